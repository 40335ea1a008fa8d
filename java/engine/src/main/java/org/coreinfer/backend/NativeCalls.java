package org.coreinfer.backend;

import org.coreinfer.binding.NativeKernels;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What calls of a context's native functions have in common: sizes are checked before native code
 * sees an address, and a status becomes an exception.
 */
public abstract class NativeCalls {
  // enum ci_status
  protected static final int OK = 0;
  protected static final int OUT_OF_MEMORY = 2;

  private final String deviceName;
  private final NativeKernels kernels;
  private final long context;

  /**
   * @param deviceName for messages
   */
  NativeCalls(String deviceName, NativeKernels kernels, long context) {
    this.deviceName = deviceName;
    this.kernels = kernels;
    this.context = context;
  }

  /** For messages. */
  protected final String deviceName() {
    return deviceName;
  }

  protected final NativeKernels kernels() {
    return kernels;
  }

  protected final long context() {
    return context;
  }

  /** Runs around calls that wait for the device, or that give or take memory. */
  protected void beginWaiting() {}

  protected void endWaiting() {}

  protected static long address(Tensor tensor) {
    return tensor.memory().address();
  }

  protected static long addressOrNull(@Nullable Tensor tensor) {
    return tensor == null ? 0 : address(tensor);
  }

  protected static long floats(NativeMemory memory, long count) {
    return sized(memory, Math.multiplyExact(count, Float.BYTES));
  }

  protected static long floatsOrNull(@Nullable NativeMemory memory, long count) {
    return memory == null ? 0 : floats(memory, count);
  }

  protected static long ints(NativeMemory memory, long count) {
    return sized(memory, Math.multiplyExact(count, Integer.BYTES));
  }

  protected static long sized(NativeMemory memory, long needed) {
    if (needed < 1 || memory.bytes() < needed) {
      throw new IllegalArgumentException(memory + " is too small: " + needed + " bytes are needed");
    }
    return memory.address();
  }

  /** What a failed call becomes; {@code sizes} formats {@code values}. */
  protected final CoreInferException failure(
      int status, String call, String sizes, Object... values) {
    return failure(deviceName, kernels, status, call, sizes, values);
  }

  /** The same where there is no context yet. */
  protected static CoreInferException failure(
      String device,
      NativeKernels kernels,
      int status,
      String call,
      String sizes,
      Object... values) {
    String message =
        "%s: %s failed with status %d: %s (%s)"
            .formatted(device, call, status, kernels.ci_error_message(), sizes.formatted(values));
    return status == OUT_OF_MEMORY
        ? new OutOfNativeMemoryException(message)
        : new BackendException(message);
  }
}
