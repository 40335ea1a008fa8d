package org.coreinfer.backend.cuda;

import org.jspecify.annotations.Nullable;

/**
 * What the backend needs of CUDA's runtime, on one device. Streams, events and memory are handles
 * and addresses as CUDA has them. A failed call is a {@link org.coreinfer.error.BackendException}
 * that names it. Thread-safe.
 */
public interface CudaRuntime extends AutoCloseable {
  Gpu gpu();

  /** Device memory that can be allocated now. */
  long freeBytes();

  // ---- streams and events ----

  /** A stream that waits for no other. */
  long newStream();

  void closeStream(long stream);

  /** An event that can be waited for and, when {@code isTimed}, measured. */
  long newEvent(boolean isTimed);

  void closeEvent(long event);

  /** Marks the end of what is queued on the stream now. */
  void recordEvent(long event, long stream);

  /** Lets the stream go on only when the event's mark was passed; passed, if never recorded. */
  void waitForEvent(long stream, long event);

  /** Blocks until the event's mark was passed. */
  void awaitEvent(long event);

  /** The time between two marks that were passed. */
  double milliseconds(long begin, long end);

  // ---- memory ----

  /**
   * Host memory that the device copies from at full speed.
   *
   * @throws org.coreinfer.error.OutOfNativeMemoryException if the system refuses
   */
  long allocatePinned(long bytes);

  void freePinned(long address);

  // ---- graphs ----

  /**
   * Records what {@code calls} queue on the stream, which is not done now. If it throws, nothing is
   * left of it.
   */
  Graph capture(long stream, Runnable calls);

  /** Recorded calls with all their arguments. */
  interface Graph extends AutoCloseable {
    /** Queues the calls once more. */
    void launch(long stream);

    @Override
    void close();
  }

  // ---- dense products ----

  /** cuBLAS; null where it is missing. */
  @Nullable Blas newBlas();

  /** Which numbers a product is made of; sums are F32. */
  enum Precision {
    /** F32, every product exact to F32. */
    F32,
    /** F32, rounded to 11 significant bits on the way in where the GPU has TF32. */
    TF32,
    /** F16. */
    F16
  }

  /** One handle of cuBLAS. For one thread at a time. */
  interface Blas extends AutoCloseable {
    /**
     * Where the products that follow are queued.
     *
     * @param workspace device memory of {@code bytes} bytes, used by one stream at a time
     */
    void use(long stream, long workspace, long bytes);

    /**
     * C = alpha op(A) B + beta C, column-major: C (m, n), B (k, n), op(A) (m, k). All addresses are
     * of device memory.
     *
     * @param isTransposed whether A is stored (k, m)
     * @param alpha one F32, as beta
     */
    void multiply(
        Precision precision,
        boolean isTransposed,
        int m,
        int n,
        int k,
        long alpha,
        long a,
        int lda,
        long b,
        int ldb,
        long beta,
        long c,
        int ldc);

    @Override
    void close();
  }

  @Override
  void close();
}
