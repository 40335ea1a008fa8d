package org.coreinfer.backend;

import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * Copies of a layer's core rows, one behind the other.
 *
 * @param capacity the most rows
 */
public record PackedFfn(
    @Nullable NativeMemory gate, NativeMemory up, NativeMemory down, int capacity)
    implements AutoCloseable {

  /** Memory for {@code capacity} rows of a layer's matrices. */
  public static PackedFfn allocate(Backend backend, FfnWeights weights, int capacity) {
    NativeMemory gate = null;
    NativeMemory up = null;
    try {
      if (weights.gate() != null) {
        gate = backend.allocate("core rows", packedBytes(weights.up().dtype(), weights, capacity));
      }
      up = backend.allocate("core rows", packedBytes(weights.up().dtype(), weights, capacity));
      NativeMemory down =
          backend.allocate("core rows", packedBytes(weights.down().dtype(), weights, capacity));
      return new PackedFfn(gate, up, down, capacity);
    } catch (RuntimeException e) {
      closeAll(gate, up);
      throw e;
    }
  }

  private static long packedBytes(DType dtype, FfnWeights weights, int capacity) {
    return dtype.packedBytes(weights.neurons(), weights.dim(), capacity);
  }

  @Override
  public void close() {
    closeAll(gate, up, down);
  }

  private static void closeAll(@Nullable NativeMemory... parts) {
    for (NativeMemory part : parts) {
      if (part != null) {
        part.close();
      }
    }
  }
}
