package org.coreinfer;

import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.cuda.Cuda;
import org.coreinfer.backend.cuda.CudaBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.BackendUnavailableException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.GpuPlan;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.WeightFile;
import org.jspecify.annotations.Nullable;

/**
 * Where a model goes: a backend, opened, with a plan of its memory. Nothing is loaded yet.
 *
 * @param gpuPlan null on the CPU
 */
record ModelPlacement(Backend backend, MemoryPlan memoryPlan, @Nullable GpuPlan gpuPlan) {
  private static final System.Logger LOGGER = System.getLogger(ModelPlacement.class.getName());

  /**
   * What decides.
   *
   * @param activationBits what products keep of an activation on the CPU
   * @param gpuMemory bytes of GPU memory that may be used; 0 for what is free
   * @param core what sessions will most likely ask for
   * @param cuda opens the GPU with a limit of its memory, 0 for what is free
   * @param onCpuFallback hears why the CPU is taken where the GPU would have been
   */
  record Wish(
      ComputeDevice device,
      int threads,
      int activationBits,
      int context,
      DType cacheDtype,
      long gpuMemory,
      CoreOptions core,
      LongFunction<CudaBackend> cuda,
      Consumer<String> onCpuFallback) {}

  /**
   * Chooses and opens a backend.
   *
   * @throws BackendUnavailableException if CUDA is asked for and can't be used
   * @throws OutOfNativeMemoryException if the model does not fit
   */
  static ModelPlacement of(WeightFile file, ModelLoader loader, Wish wish) {
    if (wish.device != ComputeDevice.CPU) {
      try {
        return onGpu(file, loader, wish);
      } catch (BackendUnavailableException | OutOfNativeMemoryException e) {
        if (wish.device == ComputeDevice.CUDA) {
          throw e;
        }
        String reason = String.valueOf(e.getMessage());
        LOGGER.log(System.Logger.Level.DEBUG, "computing on the CPU: {0}", reason);
        wish.onCpuFallback.accept(reason);
      }
    }
    MemoryPlan plan = cpuPlan(file, loader, wish.context, wish.cacheDtype);
    plan.refuseIfTooLarge();
    return new ModelPlacement(Host.cpu(wish.threads, wish.activationBits), plan, null);
  }

  static MemoryPlan cpuPlan(WeightFile file, ModelLoader loader, int context, DType cacheDtype) {
    return MemoryPlan.of(file, loader, context, Sequence.CHUNK, cacheDtype);
  }

  private static ModelPlacement onGpu(WeightFile file, ModelLoader loader, Wish wish) {
    requireCudaDtypes(file);
    CudaBackend backend = wish.cuda.apply(wish.gpuMemory);
    try {
      ModelConfig config = loader.config();
      int widest = Math.max(config.dim(), config.queryDim());
      long workspace = backend.workspaceBytes(Sequence.CHUNK, widest, config.neurons());
      GpuPlan.Rates assumed =
          new GpuPlan.Rates(backend.gpu().bytesPerSecond(), GpuPlan.Rates.ASSUMED_BUS, false);
      GpuPlan plan = gpuPlan(loader, wish, backend.limitBytes(), workspace, assumed);
      if (plan.isStreaming()) {
        double bus = backend.measureUploads();
        plan = plan.withRates(new GpuPlan.Rates(assumed.memory(), bus, true));
      }
      MemoryPlan host = MemoryPlan.besideDevice(file, plan.streamedFfn(), wish.context);
      host.refuseIfTooLarge();
      return new ModelPlacement(backend, host, plan);
    } catch (RuntimeException e) {
      backend.close();
      throw e;
    }
  }

  /**
   * Refuses models with a dtype that the GPU's kernels lack.
   *
   * @throws BackendUnavailableException naming a tensor, and what to do
   */
  static void requireCudaDtypes(WeightFile file) {
    for (Tensor tensor : file.tensors().values()) {
      if (!tensor.isVector() && !CudaBackend.computes(tensor.dtype())) {
        throw new BackendUnavailableException(
            "%s: %s is %s, which the CUDA backend does not compute: use --backend cpu, or a file in f16, bf16, q8_0 or q4_0 (coreinfer quantize writes them)"
                .formatted(file.name(), tensor.name(), tensor.dtype()));
      }
    }
  }

  /** The plan for a limit, wherever it is made. */
  static GpuPlan gpuPlan(
      ModelLoader loader, Wish wish, long limit, long workspace, GpuPlan.Rates rates) {
    ModelConfig config = loader.config();
    return GpuPlan.of(
        loader.sizes(),
        wish.context,
        Sequence.CHUNK,
        wish.cacheDtype,
        layer -> wish.core.mostChosen(layer, config),
        limit,
        workspace,
        rates);
  }

  /** A GPU's usual rates, for a plan on a machine without one. */
  static GpuPlan.Rates usualRates() {
    Cuda.Status status = Cuda.status();
    double memory = status.gpu() == null ? 0 : status.gpu().bytesPerSecond();
    return new GpuPlan.Rates(memory, GpuPlan.Rates.ASSUMED_BUS, false);
  }
}
