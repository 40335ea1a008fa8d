package org.coreinfer.backend.cuda;

import java.util.List;
import java.util.function.Consumer;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Device;
import org.coreinfer.backend.FfnStream;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.PackedFfn;
import org.coreinfer.backend.Recording;
import org.coreinfer.backend.Stopwatch;
import org.coreinfer.binding.NativeCudaKernels;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A stream of a GPU with its context. */
public final class CudaBackend extends Backend implements Device {
  private static final long MEASURED_BYTES = 32L << 20;

  private final CudaDevice device;
  private final NativeCudaKernels kernels;
  private final long stream;

  private CudaBackend(CudaDevice device, long stream, long context, Runnable release) {
    super("cuda", device.name(), device.kernels(), context, release);
    this.device = device;
    this.kernels = device.kernels();
    this.stream = stream;
  }

  /** The first queue of a device, which goes with it. */
  static CudaBackend of(CudaDevice device) {
    return create(device, device::close);
  }

  /** A queue of something that the device itself owns. */
  static CudaBackend unshared(CudaDevice device) {
    return create(device, () -> {});
  }

  private static CudaBackend create(CudaDevice device, Runnable release) {
    CudaRuntime runtime = device.runtime();
    NativeCudaKernels kernels = device.kernels();
    long stream = runtime.newStream();
    long[] context = new long[1];
    int status = kernels.ci_cuda_context_create(runtime.gpu().number(), stream, context);
    if (status != OK) {
      runtime.closeStream(stream);
      throw failure(device.name(), kernels, status, "ci_cuda_context_create", "");
    }
    return new CudaBackend(
        device,
        stream,
        context[0],
        () -> {
          kernels.ci_context_destroy(context[0]);
          runtime.closeStream(stream);
          release.run();
        });
  }

  long stream() {
    return stream;
  }

  /** The GPU that it computes on. */
  public Gpu gpu() {
    return device.runtime().gpu();
  }

  /** Bytes of device memory that are allocated through this and all other queues. */
  public long usedBytes() {
    return device.budget().used();
  }

  /** Bytes of device memory that may be allocated. */
  public long limitBytes() {
    return device.budget().limit();
  }

  /**
   * Bytes of device memory that prefill needs beside what its callers allocate.
   *
   * @param tokens that are multiplied at once
   * @param widest the most elements of a row of activations before the FFN
   */
  public long workspaceBytes(int tokens, int widest, int neurons) {
    long products =
        device.products() == null ? 0 : DenseProducts.scratchBytes(tokens, widest, neurons);
    return products + device.kernelScratchBytes();
  }

  /** Whether there are kernels for weights of this dtype. */
  public static boolean computes(DType dtype) {
    return switch (dtype) {
      case F32, F16, BF16, Q8_0, Q4_0, Q8_0_SHARED, Q4_0_SHARED -> true;
      default -> false;
    };
  }

  /** The same for a GPU that is not open, with cuBLAS and what kernels take by themselves. */
  public static long usualWorkspace(int tokens, int widest, int neurons) {
    return DenseProducts.scratchBytes(tokens, widest, neurons) + Cuda.KERNEL_SCRATCH;
  }

  /** Bytes per second that cross the bus to the device, measured now. */
  public double measureUploads() {
    long bytes = Math.max(1, Math.min(MEASURED_BYTES, (limitBytes() - usedBytes()) / 2));
    try (NativeMemory host = allocateHost("a measurement", bytes);
        NativeMemory target = allocate("a measurement", bytes);
        Stopwatch watch = newStopwatch()) {
      upload(host, target); // the first one is slower
      watch.start();
      upload(host, target);
      watch.stop();
      return bytes * 1e9 / Math.max(1, watch.takeNanos());
    }
  }

  @Override
  public boolean isHost() {
    return false;
  }

  @Override
  public Device device() {
    return this;
  }

  @Override
  protected Backend openQueue(Runnable release) {
    return create(device, release);
  }

  // ---- memory ----

  @Override
  protected void beginWaiting() {
    device.waitingLock().lock();
  }

  @Override
  protected void endWaiting() {
    device.waitingLock().unlock();
  }

  @Override
  protected void reserve(String use, long bytes) {
    device.budget().take(use, bytes);
  }

  @Override
  protected void unreserve(long bytes) {
    device.budget().giveBack(bytes);
  }

  @Override
  public NativeMemory allocateHost(String use, long bytes) {
    return device.allocatePinned(use, bytes);
  }

  @Override
  public void upload(NativeMemory host, NativeMemory target) {
    long bytes = host.bytes();
    int status =
        kernels.ci_cuda_upload_async(
            context(), stream, host.address(), bytes, sized(target, bytes));
    if (status != OK) {
      throw failure(status, "ci_cuda_upload_async", "bytes=%d to=%s", bytes, target);
    }
  }

  // ---- weights ----

  @Override
  public Tensor place(Tensor source) {
    NativeMemory memory = allocate(source.name(), source.bytes());
    try {
      device.placing().upload(this, source, memory);
      return moved(source, memory);
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  @Override
  public Tensor placeDown(Tensor down) {
    Tensor transposed = device.cpu().placeDown(down);
    try {
      return place(transposed);
    } finally {
      transposed.memory().close();
    }
  }

  @Override
  public void endPlacing() {
    synchronize();
    device.endPlacing();
  }

  @Override
  public Tensor placeForStreaming(Tensor source) {
    NativeMemory pinned = allocateHost(source.name(), source.bytes());
    try {
      device
          .placing()
          .arrange(source.dtype(), source.memory(), source.rows(), source.columns(), pinned);
      return moved(source, pinned);
    } catch (RuntimeException e) {
      pinned.close();
      throw e;
    }
  }

  @Override
  public Tensor placeDownForStreaming(Tensor down) {
    Tensor transposed = device.cpu().placeDown(down);
    try {
      return placeForStreaming(transposed);
    } finally {
      transposed.memory().close();
    }
  }

  private static Tensor moved(Tensor source, NativeMemory memory) {
    return new Tensor(source.name(), source.dtype(), source.rows(), source.columns(), memory);
  }

  @Override
  public FfnStream newFfnStream(List<FfnWeights> layers) {
    return new FfnStreaming(device, layers);
  }

  // ---- work ----

  @Override
  public Recording record(Consumer<Backend> work) {
    return new GraphRecording(this, device, work);
  }

  @Override
  public Stopwatch newStopwatch() {
    return new EventStopwatch(device.runtime(), stream);
  }

  @Override
  public void matmul(
      Tensor weight,
      @Nullable NativeMemory bias,
      NativeMemory x,
      int tokens,
      boolean accumulate,
      NativeMemory y) {
    DenseProducts products = device.products();
    if (products == null) {
      super.matmul(weight, bias, x, tokens, accumulate, y);
      return;
    }
    floats(x, (long) tokens * weight.columns());
    floats(y, (long) tokens * weight.rows());
    products.matmul(this, weight, bias, x, tokens, accumulate, y);
  }

  @Override
  public void matmulTransposed(Tensor weight, NativeMemory x, int tokens, NativeMemory y) {
    DenseProducts products = device.products();
    if (products == null) {
      super.matmulTransposed(weight, x, tokens, y);
      return;
    }
    floats(x, (long) tokens * weight.rows());
    floats(y, (long) tokens * weight.columns());
    products.matmulTransposed(this, weight, x, tokens, y);
  }

  @Override
  public void ffnPrefill(
      FfnWeights weights, NativeMemory x, int tokens, NativeMemory activations, NativeMemory y) {
    DenseProducts products = device.products();
    if (products == null) {
      super.ffnPrefill(weights, x, tokens, activations, y);
      return;
    }
    floats(x, (long) tokens * weights.dim());
    floats(activations, (long) tokens * weights.neurons());
    floats(y, (long) tokens * weights.dim());
    products.ffn(this, weights, x, tokens, activations, y);
  }

  /** Rows of a matrix as plain numbers. */
  void convert(Tensor weight, int firstRow, int count, DType plain, NativeMemory target) {
    int status =
        kernels.ci_cuda_convert(
            context(),
            weight.dtype().code(),
            address(weight),
            weight.rows(),
            weight.columns(),
            firstRow,
            count,
            plain.code(),
            sized(target, plain.bytes((long) count * weight.columns())));
    if (status != OK) {
      throw failure(status, "ci_cuda_convert", "weight=%s rows=%d+%d", weight, firstRow, count);
    }
  }

  /** target = x / scale as F16, with scale (1) at an address. */
  void toHalf(NativeMemory x, long count, NativeMemory target, long scale) {
    long bytes = Math.multiplyExact(count, Short.BYTES);
    int status =
        kernels.ci_cuda_to_half(context(), floats(x, count), count, sized(target, bytes), scale);
    if (status != OK) {
      throw failure(status, "ci_cuda_to_half", "count=%d", count);
    }
  }

  /** y[t] += bias, or = bias. */
  void addBias(NativeMemory bias, int tokens, int dim, boolean accumulate, NativeMemory y) {
    int status =
        kernels.ci_cuda_bias(
            context(),
            floats(bias, dim),
            tokens,
            dim,
            accumulate ? 1 : 0,
            floats(y, (long) tokens * dim));
    if (status != OK) {
      throw failure(status, "ci_cuda_bias", "tokens=%d dim=%d", tokens, dim);
    }
  }

  /** up = activation(gate, up), biases added before. */
  void activate(FfnWeights weights, @Nullable NativeMemory gate, int tokens, NativeMemory up) {
    int neurons = weights.neurons();
    int status =
        kernels.ci_cuda_activate(
            context(),
            weights.activation().code(),
            floatsOrNull(gate, (long) tokens * neurons),
            floatsOrNull(weights.gateBias(), neurons),
            floatsOrNull(weights.upBias(), neurons),
            tokens,
            neurons,
            floats(up, (long) tokens * neurons));
    if (status != OK) {
      throw failure(status, "ci_cuda_activate", "tokens=%d neurons=%d", tokens, neurons);
    }
  }

  // ---- packed core neurons ----

  @Override
  public void pack(FfnWeights weights, NativeMemory coreIds, NativeMemory core, PackedFfn packed) {
    if (weights.gate() != null && packed.gate() != null) {
      pack(weights.gate(), coreIds, core, packed.capacity(), packed.gate());
    }
    pack(weights.up(), coreIds, core, packed.capacity(), packed.up());
    pack(weights.down(), coreIds, core, packed.capacity(), packed.down());
  }

  private void pack(
      Tensor weight, NativeMemory coreIds, NativeMemory core, int capacity, NativeMemory packed) {
    int status =
        kernels.ci_cuda_ffn_pack(
            context(),
            weight.dtype().code(),
            address(weight),
            weight.rows(),
            weight.columns(),
            ints(coreIds, capacity),
            ints(core, 1),
            capacity,
            sized(packed, weight.dtype().packedBytes(weight.rows(), weight.columns(), capacity)));
    if (status != OK) {
      throw failure(status, "ci_cuda_ffn_pack", "weight=%s capacity=%d", weight, capacity);
    }
  }

  @Override
  public void ffnDecodePacked(
      FfnWeights weights,
      PackedFfn packed,
      NativeMemory x,
      NativeMemory coreIds,
      NativeMemory core,
      NativeMemory activations,
      NativeMemory y) {
    int neurons = weights.neurons();
    int dim = weights.dim();
    NativeMemory gate = packed.gate();
    int status =
        kernels.ci_cuda_ffn_decode_packed(
            context(),
            weights.activation().code(),
            weights.up().dtype().code(),
            gate == null ? 0 : gate.address(),
            packed.up().address(),
            floatsOrNull(weights.gateBias(), neurons),
            floatsOrNull(weights.upBias(), neurons),
            weights.down().dtype().code(),
            packed.down().address(),
            floatsOrNull(weights.downBias(), dim),
            floats(x, dim),
            ints(coreIds, packed.capacity()),
            ints(core, 1),
            neurons,
            packed.capacity(),
            dim,
            floats(activations, neurons),
            floats(y, dim));
    if (status != OK) {
      throw failure(
          status,
          "ci_cuda_ffn_decode_packed",
          "up=%s capacity=%d",
          weights.up(),
          packed.capacity());
    }
  }

  // ---- tokens ----

  @Override
  public void penalize(
      NativeMemory recent, NativeMemory count, float penalty, int vocabulary, NativeMemory logits) {
    int status =
        kernels.ci_cuda_sample_penalize(
            context(),
            ints(recent, 1),
            ints(count, 1),
            penalty,
            vocabulary,
            floats(logits, vocabulary));
    if (status != OK) {
      throw failure(status, "ci_cuda_sample_penalize", "vocabulary=%d", vocabulary);
    }
  }

  @Override
  public void pickBest(NativeMemory logits, int vocabulary, NativeMemory token) {
    int status =
        kernels.ci_cuda_sample_greedy(
            context(), floats(logits, vocabulary), vocabulary, ints(token, 1));
    if (status != OK) {
      throw failure(status, "ci_cuda_sample_greedy", "vocabulary=%d", vocabulary);
    }
  }

  @Override
  public void draw(
      NativeMemory logits,
      int vocabulary,
      float temperature,
      int topK,
      float topP,
      float minP,
      NativeMemory uniform,
      NativeMemory token) {
    int status =
        kernels.ci_cuda_sample_draw(
            context(),
            floats(logits, vocabulary),
            vocabulary,
            temperature,
            topK,
            topP,
            minP,
            sized(uniform, Double.BYTES),
            ints(token, 1));
    if (status != OK) {
      throw failure(status, "ci_cuda_sample_draw", "vocabulary=%d top_k=%d", vocabulary, topK);
    }
  }
}
