package org.coreinfer.backend;

import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One layer's FFN, a neuron a row in all matrices.
 *
 * @param gate (neurons, dim), null for an ungated layer
 * @param up (neurons, dim), of the gate's dtype
 * @param down (neurons, dim): the down projection, transposed
 * @param gateBias (neurons), F32
 * @param upBias (neurons), F32
 * @param downBias (dim), F32
 */
public record FfnWeights(
    Activation activation,
    @Nullable Tensor gate,
    Tensor up,
    Tensor down,
    @Nullable NativeMemory gateBias,
    @Nullable NativeMemory upBias,
    @Nullable NativeMemory downBias) {

  public FfnWeights {
    if (gate != null
        && (gate.dtype() != up.dtype()
            || gate.rows() != up.rows()
            || gate.columns() != up.columns())) {
      throw new IllegalArgumentException(
          "gate and up differ: " + gate + " " + up + "; both need one dtype and shape");
    }
    if (down.rows() != up.rows() || down.columns() != up.columns()) {
      throw new IllegalArgumentException("up and down differ in shape: " + up + " " + down);
    }
  }

  public int neurons() {
    return up.rows();
  }

  public int dim() {
    return up.columns();
  }

  /** The bytes that decoding reads for one neuron. */
  public long bytesPerNeuron() {
    return (up.bytes() * (gate == null ? 1 : 2) + down.bytes()) / neurons();
  }
}
