package org.coreinfer.backend.cuda;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.coreinfer.backend.Backend;
import org.coreinfer.binding.NativeCudaKernels;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/** What the queues of one GPU share. Thread-safe. */
final class CudaDevice {
  /** Of the whole process, as other models may use the same GPU. */
  private static final ReadWriteLock RECORDING = new ReentrantReadWriteLock();

  private final CudaRuntime runtime;
  private final NativeCudaKernels kernels;
  private final Backend cpu;
  private final long kernelScratchBytes;
  private final MemoryBudget budget;
  private @Nullable DenseProducts products;
  private @Nullable Placing placing;

  /**
   * @param cpu transposes weights; owned
   * @param limit bytes of device memory that may be allocated
   * @param kernelScratchBytes that kernels allocate by themselves
   */
  CudaDevice(
      CudaRuntime runtime,
      NativeCudaKernels kernels,
      Backend cpu,
      long limit,
      long kernelScratchBytes) {
    this.runtime = runtime;
    this.kernels = kernels;
    this.cpu = cpu;
    this.kernelScratchBytes = kernelScratchBytes;
    this.budget = new MemoryBudget(name(), limit);
  }

  long kernelScratchBytes() {
    return kernelScratchBytes;
  }

  CudaRuntime runtime() {
    return runtime;
  }

  NativeCudaKernels kernels() {
    return kernels;
  }

  Backend cpu() {
    return cpu;
  }

  MemoryBudget budget() {
    return budget;
  }

  /** For messages. */
  String name() {
    Gpu gpu = runtime.gpu();
    return "cuda device " + gpu.number() + " (" + gpu.name() + ")";
  }

  /** Held while a graph is recorded: no other call may wait, allocate or free meanwhile. */
  Lock recordingLock() {
    return RECORDING.writeLock();
  }

  /** Held by calls that wait, allocate or free. */
  Lock waitingLock() {
    return RECORDING.readLock();
  }

  /** Lets go of the device; nothing uses it any more. */
  synchronized void close() {
    endPlacing();
    if (products != null) {
      products.close();
      products = null;
    }
    cpu.close();
    runtime.close();
  }

  /** Products by cuBLAS; null where there is none. */
  synchronized @Nullable DenseProducts products() {
    if (products == null) {
      CudaRuntime.Blas blas = runtime.newBlas();
      products = blas == null ? null : new DenseProducts(this, blas);
    }
    return products;
  }

  synchronized Placing placing() {
    if (placing == null) {
      placing = new Placing(this);
    }
    return placing;
  }

  synchronized void endPlacing() {
    if (placing != null) {
      placing.close();
      placing = null;
    }
  }

  /** Host memory that the device copies from at full speed. */
  NativeMemory allocatePinned(String use, long bytes) {
    waitingLock().lock();
    try {
      long address = runtime.allocatePinned(bytes);
      return new NativeMemory(use, address, bytes, () -> freePinned(address));
    } catch (OutOfNativeMemoryException e) {
      throw new OutOfNativeMemoryException(
          "no host memory for " + use + " that the GPU can read: " + e.getMessage(), e);
    } finally {
      waitingLock().unlock();
    }
  }

  private void freePinned(long address) {
    waitingLock().lock();
    try {
      runtime.freePinned(address);
    } finally {
      waitingLock().unlock();
    }
  }

  /** Fails with the kernels' sentence unless {@code status} is 0. */
  void check(int status, String call, String sizes) {
    if (status != 0) {
      throw new BackendException(
          "%s: %s failed with status %d: %s (%s)"
              .formatted(name(), call, status, kernels.ci_error_message(), sizes));
    }
  }
}
