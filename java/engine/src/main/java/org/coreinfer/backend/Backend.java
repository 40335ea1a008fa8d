package org.coreinfer.backend;

import java.util.Locale;
import java.util.function.Consumer;
import org.coreinfer.binding.CpuKernels;
import org.coreinfer.binding.NativeKernels;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One device with its kernels and its memory. Calls may come from any thread and run one after
 * another, on a device in the background: what hands numbers to Java waits for them. Memory
 * outlives {@link #close}: the device is let go when the last of it is closed.
 *
 * <p>This class itself is the CPU, which computes at once and reads host memory where it lies.
 */
public class Backend extends Kernels implements AutoCloseable {
  private final String name;
  private final String description;
  private final Lifetime lifetime;
  private @Nullable Staging staging;

  /**
   * Takes over a context.
   *
   * @param name {@code cpu} or {@code cuda}
   * @param device names the device in messages
   * @param release ends the context, when the last memory was given back
   */
  protected Backend(
      String name, String device, NativeKernels kernels, long context, Runnable release) {
    super(device, kernels, context);
    this.name = name;
    this.description = kernels.ci_context_description(context);
    this.lifetime = new Lifetime("the " + name + " backend", release);
  }

  private Backend(Backend shared, Runnable release) {
    super(shared.deviceName(), shared.kernels(), shared.context());
    this.name = shared.name;
    this.description = shared.description;
    this.lifetime = new Lifetime("the " + name + " backend", release);
  }

  static Backend cpu(CpuKernels kernels, int threads, int activationBits) {
    long[] context = new long[1];
    int status = kernels.ci_host_context_create(threads, activationBits, context);
    if (status != OK) {
      throw failure("cpu", kernels, status, "ci_host_context_create", "threads=%d", threads);
    }
    return new Backend(
        "cpu", "cpu", kernels, context[0], () -> kernels.ci_context_destroy(context[0]));
  }

  /** {@code cpu} or {@code cuda}. */
  public final String name() {
    return name;
  }

  /** One line for people: instruction set and threads, or the GPU. */
  public String description() {
    return description;
  }

  /** Whether kernels read host memory as it is, and results can be read where they lie. */
  public boolean isHost() {
    return true;
  }

  /**
   * A backend on the same device for one sequence, which the caller closes. What is queued on it
   * runs beside what others queue.
   */
  public final Backend newQueue() {
    lifetime.enter();
    try {
      return openQueue(lifetime::exit);
    } catch (RuntimeException e) {
      lifetime.exit();
      throw e;
    }
  }

  /**
   * Makes a queue.
   *
   * @param release to be run when it and all of its memory were closed
   */
  protected Backend openQueue(Runnable release) {
    return new Backend(this, release);
  }

  /**
   * What only devices offer.
   *
   * @throws IllegalStateException if this is the CPU
   */
  public Device device() {
    throw new IllegalStateException("the " + name + " backend is no device of its own");
  }

  /** Waits until everything queued so far is done; a failure of it shows here. */
  public final void synchronize() {
    int status;
    beginWaiting();
    try {
      status = kernels().ci_context_synchronize(context());
    } finally {
      endWaiting();
    }
    if (status != OK) {
      throw failure(status, "ci_context_synchronize", "");
    }
  }

  // ---- memory ----

  /**
   * Zeroed memory.
   *
   * @param use what it will hold, for messages
   * @throws OutOfNativeMemoryException if the system refuses
   */
  public final NativeMemory allocate(String use, long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException(use + ": bytes=" + bytes);
    }
    lifetime.enter();
    boolean isReserved = false;
    try {
      reserve(use, bytes);
      isReserved = true;
      long[] address = new long[1];
      int status = allocate(bytes, address);
      if (status == OUT_OF_MEMORY) {
        throw new OutOfNativeMemoryException(
            String.format(
                Locale.ROOT,
                "%s: no memory for %s: %.1f MiB were refused (%s); use a smaller context or model",
                deviceName(),
                use,
                bytes / 1048576.0,
                kernels().ci_error_message()));
      }
      if (status != OK) {
        throw failure(status, "ci_memory_allocate", "bytes=%d", bytes);
      }
      String device = isHost() ? null : deviceName();
      return new NativeMemory(use, address[0], bytes, device, new Release(this, address[0], bytes));
    } catch (RuntimeException e) {
      if (isReserved) {
        unreserve(bytes);
      }
      lifetime.exit();
      throw e;
    }
  }

  private int allocate(long bytes, long[] address) {
    beginWaiting();
    try {
      return kernels().ci_memory_allocate(context(), bytes, address);
    } finally {
      endWaiting();
    }
  }

  /** Memory for {@code count} floats. */
  public final NativeMemory allocateFloats(String use, long count) {
    return allocate(use, Math.multiplyExact(count, Float.BYTES));
  }

  /** Memory for {@code count} ints. */
  public final NativeMemory allocateInts(String use, long count) {
    return allocate(use, Math.multiplyExact(count, Integer.BYTES));
  }

  private record Release(Backend backend, long address, long bytes) implements Runnable {
    @Override
    public void run() {
      int status;
      backend.beginWaiting();
      try {
        status = backend.kernels().ci_memory_free(backend.context(), address, bytes);
      } finally {
        backend.endWaiting();
      }
      backend.unreserve(bytes);
      backend.lifetime.exit();
      if (status != OK) {
        throw backend.failure(status, "ci_memory_free", "bytes=%d", bytes);
      }
    }
  }

  /** Counts memory that is about to be allocated; may refuse it. */
  protected void reserve(String use, long bytes) {}

  protected void unreserve(long bytes) {}

  /** Zeroed memory that Java can touch and that is copied to the device and back at full speed. */
  public NativeMemory allocateHost(String use, long bytes) {
    return allocate(use, bytes);
  }

  /**
   * Queues a copy of host memory to the beginning of {@code target}.
   *
   * @param host of {@link #allocateHost}; unchanged until something waited for the copy
   */
  public void upload(NativeMemory host, NativeMemory target) {
    copyIn(host.address(), host.bytes(), target);
  }

  /** Copies the beginning of {@code source} to host memory, and waits for it. */
  public final void download(NativeMemory source, NativeMemory host) {
    copyOut(host.address(), host.bytes(), source);
  }

  /** Copies an array to the beginning of {@code target}. */
  public final void upload(int[] values, NativeMemory target) {
    if (target.isHost()) {
      target.buffer(0, values.length * Integer.BYTES).asIntBuffer().put(values);
    } else {
      synchronized (this) {
        staging().write(values, target, this::copyIn);
      }
    }
  }

  /** Copies an array to the beginning of {@code target}. */
  public final void upload(float[] values, NativeMemory target) {
    if (target.isHost()) {
      target.buffer(0, values.length * Float.BYTES).asFloatBuffer().put(values);
    } else {
      synchronized (this) {
        staging().write(values, target, this::copyIn);
      }
    }
  }

  /** A copy of the first {@code count} ints. */
  public final int[] downloadInts(NativeMemory source, int count) {
    int[] values = new int[count];
    if (source.isHost()) {
      source.buffer(0, count * Integer.BYTES).asIntBuffer().get(values);
    } else {
      synchronized (this) {
        staging().read(source, values, this::copyOut);
      }
    }
    return values;
  }

  /** A copy of the first {@code count} floats. */
  public final float[] downloadFloats(NativeMemory source, int count) {
    float[] values = new float[count];
    if (source.isHost()) {
      source.buffer(0, count * Float.BYTES).asFloatBuffer().get(values);
    } else {
      synchronized (this) {
        staging().read(source, values, this::copyOut);
      }
    }
    return values;
  }

  private Staging staging() {
    if (staging == null) {
      staging = new Staging();
    }
    return staging;
  }

  private void copyIn(long host, long bytes, NativeMemory target) {
    int status;
    beginWaiting();
    try {
      status = kernels().ci_memory_upload(context(), host, bytes, sized(target, bytes));
    } finally {
      endWaiting();
    }
    if (status != OK) {
      throw failure(status, "ci_memory_upload", "bytes=%d to=%s", bytes, target);
    }
  }

  private void copyOut(long host, long bytes, NativeMemory source) {
    int status;
    beginWaiting();
    try {
      status = kernels().ci_memory_download(context(), sized(source, bytes), bytes, host);
    } finally {
      endWaiting();
    }
    if (status != OK) {
      throw failure(status, "ci_memory_download", "bytes=%d from=%s", bytes, source);
    }
  }

  // ---- weights ----

  /**
   * A matrix of a model file where kernels can read it: the same one on the CPU; on a device a copy
   * whose memory the caller owns.
   */
  public Tensor place(Tensor source) {
    return source;
  }

  /** Waits for the matrices that were placed, and gives back what only placing needed. */
  public void endPlacing() {}

  /** A down projection (dim, neurons) as (neurons, dim), whose memory the caller owns. */
  public Tensor placeDown(Tensor down) {
    int neurons = down.columns();
    int dim = down.rows();
    DType dtype = down.dtype();
    NativeMemory target = allocate(down.name(), down.bytes());
    try {
      int status =
          kernels()
              .ci_ffn_transpose_down(
                  context(), dtype.code(), address(down), neurons, dim, target.address());
      if (status != OK) {
        throw failure(status, "ci_ffn_transpose_down", "down=%s", down);
      }
      return new Tensor(down.name(), dtype.transposed(), neurons, dim, target);
    } catch (RuntimeException e) {
      target.close();
      throw e;
    }
  }

  // ---- work ----

  /**
   * Work to be done many times.
   *
   * @param work makes the calls, on the backend that it is given
   */
  public Recording record(Consumer<Backend> work) {
    return new Recording() {
      @Override
      public void run() {
        work.accept(Backend.this);
      }

      @Override
      public void close() {}
    };
  }

  public Stopwatch newStopwatch() {
    return new HostStopwatch();
  }

  @Override
  public void close() {
    lifetime.close();
  }

  @Override
  public final String toString() {
    return description;
  }
}
