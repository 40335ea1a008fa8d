package org.coreinfer.backend.cuda;

import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.Loader;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.binding.CudaKernels;
import org.coreinfer.error.BackendUnavailableException;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/** Whether CUDA can be used on this machine, and the way to it. */
public final class Cuda {
  private static final System.Logger LOGGER = System.getLogger(Cuda.class.getName());

  /** Left free of what the GPU has: for the driver's own needs and the display's. */
  private static final long MARGIN = 256L << 20;

  /** About what kernels allocate by themselves for their sums. */
  static final long KERNEL_SCRATCH = 64L << 20;

  private static final String RUNTIME_ADVICE =
      "install CUDA 13's runtime (the package cuda-cudart-13-0 of NVIDIA's repository), or add"
          + " org.bytedeco:cuda-redist:13.1-9.19-1.5.13:linux-x86_64 to the class path";

  private Cuda() {}

  /**
   * What was found.
   *
   * @param failure why CUDA can't be used, as a sentence's part; null if it can
   * @param advice what to do about it; empty if nothing
   * @param hasDriver whether NVIDIA's driver is installed, so that someone may expect CUDA to work
   * @param driverVersion the newest CUDA that the driver knows, as 13000 for 13.0; 0 if unknown
   * @param runtimeVersion 0 if unknown
   * @param blasFailure why prefill goes without cuBLAS; null if it has it
   * @param gpu the one that is used; null if there is none
   */
  public record Status(
      @Nullable String failure,
      String advice,
      boolean hasDriver,
      int driverVersion,
      int runtimeVersion,
      @Nullable String blasFailure,
      List<Gpu> gpus,
      @Nullable Gpu gpu) {

    private static Status failed(String failure, String advice) {
      return new Status(failure, advice, CudaDriver.isInstalled(), 0, 0, null, List.of(), null);
    }

    public boolean isUsable() {
      return failure == null;
    }
  }

  /** Looks at what this machine has; the driver and libraries are opened only once. */
  public static Status status() {
    String noDriver = CudaDriver.failure();
    if (noDriver != null) {
      return Status.failed(noDriver, CudaDriver.isInstalled() ? "repair or update the driver" : "");
    }
    String noKernels = Libraries.KERNELS_FAILURE;
    if (noKernels != null) {
      return Status.failed(noKernels, "build on a machine with nvcc, CUDA's compiler");
    }
    String noRuntime = Libraries.RUNTIME_FAILURE;
    if (noRuntime != null) {
      return Status.failed("CUDA's runtime can't be loaded: " + noRuntime, RUNTIME_ADVICE);
    }
    try {
      return found();
    } catch (CoreInferException e) {
      return Status.failed(String.valueOf(e.getMessage()), "");
    }
  }

  private static Status found() {
    List<Gpu> gpus = Presets.gpus();
    Gpu usable = gpus.stream().filter(Gpu::isSupported).findFirst().orElse(null);
    String failure =
        gpus.isEmpty()
            ? "the driver finds no GPU"
            : usable == null ? "no GPU has compute capability 7.5 or later" : null;
    return new Status(
        failure,
        "",
        true,
        Presets.driverVersion(),
        Presets.runtimeVersion(),
        PresetBlas.failure(),
        gpus,
        usable);
  }

  /** Memory of a GPU that can be allocated now. */
  public static long freeBytes(Gpu gpu) {
    return Presets.memory(gpu.number())[0];
  }

  /**
   * Opens the GPU that {@link Status#gpu} names.
   *
   * @param limit bytes of its memory that may be allocated; 0 for what is free
   * @throws BackendUnavailableException if CUDA can't be used here
   */
  public static CudaBackend open(long limit) {
    Status status = usable();
    return open(Objects.requireNonNull(status.gpu()), limit);
  }

  /**
   * Opens one of several GPUs.
   *
   * @param number as CUDA counts them
   * @param limit as for the other one
   * @throws BackendUnavailableException if CUDA can't be used here, or has no such GPU
   */
  public static CudaBackend open(int number, long limit) {
    Status status = usable();
    Gpu gpu = status.gpus().stream().filter(g -> g.number() == number).findFirst().orElse(null);
    if (gpu == null || !gpu.isSupported()) {
      throw new BackendUnavailableException(
          gpu == null
              ? "there is no GPU %d: CUDA finds %s".formatted(number, status.gpus())
              : gpu + " can't be used: its compute capability is below 7.5");
    }
    return open(gpu, limit);
  }

  private static Status usable() {
    Status status = status();
    if (status.failure() != null) {
      throw new BackendUnavailableException(
          "CUDA can't be used: "
              + status.failure()
              + (status.advice().isEmpty() ? "" : "; " + status.advice()));
    }
    if (status.blasFailure() != null) {
      LOGGER.log(
          System.Logger.Level.INFO,
          "prompts are read without cuBLAS, by slower kernels of our own: {0}",
          status.blasFailure());
    }
    return status;
  }

  private static CudaBackend open(Gpu gpu, long limit) {
    Presets runtime = new Presets(gpu);
    long allowed = limit > 0 ? limit : Math.max(1, runtime.freeBytes() - MARGIN);
    Backend cpu = Host.cpu(0);
    try {
      return CudaBackend.of(
          new CudaDevice(runtime, new CudaKernels(), cpu, allowed, KERNEL_SCRATCH));
    } catch (RuntimeException e) {
      cpu.close();
      throw e;
    }
  }

  /** Native libraries, loaded when the driver is open. */
  private static final class Libraries {
    static final @Nullable String KERNELS_FAILURE = kernels();
    static final @Nullable String RUNTIME_FAILURE = runtime();

    private static @Nullable String kernels() {
      if (CudaKernels.class.getResource("linux-x86_64/libjniCudaKernels.so") == null) {
        return "this build has no CUDA kernels";
      }
      try {
        Loader.load(CudaKernels.class);
        return null;
      } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
        return "the CUDA kernels can't be loaded: " + reason(e);
      }
    }

    private static @Nullable String runtime() {
      Host.instructionSet(); // loads JavaCPP with our settings
      try {
        Loader.load(org.bytedeco.cuda.global.cudart.class);
        return null;
      } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
        return reason(e);
      }
    }
  }

  /** Why a library could not be loaded: the linker's own words lie below JavaCPP's. */
  static String reason(LinkageError e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }
}
