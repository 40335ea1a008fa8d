package org.coreinfer.model;

import java.util.List;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a model's weights, by what they are for.
 *
 * @param name the file's or folder's
 * @param fixed all weights beside the FFN's matrices, vectors as F32
 * @param rotaryPairs pairs of each head that turn; 0 for learned positions
 * @param tokenBytes that decoding a token reads of attention and head
 * @param ffn by layer
 */
public record ModelSizes(
    String name,
    ModelConfig config,
    long fixed,
    int rotaryPairs,
    long tokenBytes,
    List<FfnSizes> ffn) {

  /**
   * One layer's matrices, a neuron a row.
   *
   * @param gate null for an ungated layer
   * @param down the dtype it has when transposed
   */
  public record FfnSizes(@Nullable DType gate, DType up, DType down, long bytes) {
    static FfnSizes of(@Nullable Tensor gate, Tensor up, Tensor down, DType downDtype) {
      long bytes = (gate == null ? 0 : gate.bytes()) + up.bytes() + down.bytes();
      return new FfnSizes(gate == null ? null : gate.dtype(), up.dtype(), downDtype, bytes);
    }

    /** What so many packed rows take. */
    long packedBytes(ModelConfig config, int rows) {
      long sum = packed(up, config, rows) + packed(down, config, rows);
      return gate == null ? sum : sum + packed(gate, config, rows);
    }

    private static long packed(DType dtype, ModelConfig config, int rows) {
      return dtype.packedBytes(config.neurons(), config.dim(), rows);
    }
  }

  /** All weights beside the FFN's matrices, with the tables for so many positions. */
  long fixedBytes(int positions) {
    return fixed + (long) positions * rotaryPairs * 2 * Float.BYTES;
  }

  /** Of all layers' matrices. */
  public long ffnBytes() {
    return ffn.stream().mapToLong(FfnSizes::bytes).sum();
  }
}
