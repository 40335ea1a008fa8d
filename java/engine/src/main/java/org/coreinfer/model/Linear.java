package org.coreinfer.model;

import org.coreinfer.backend.Backend;
import org.coreinfer.backend.RowPacks;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A projection. Thread-safe; the weight and the bias belong to the model. */
final class Linear implements AutoCloseable {
  private final Tensor weight;
  private final @Nullable NativeMemory bias;
  private volatile @Nullable RowPacks packs;

  /**
   * @param weight (outputs, inputs)
   * @param bias (outputs), F32
   */
  Linear(Tensor weight, @Nullable NativeMemory bias) {
    this.weight = weight;
    this.bias = bias;
  }

  Tensor weight() {
    return weight;
  }

  void prefill(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    backend.matmul(weight, bias, x, tokens, false, y);
  }

  void decode(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    decode(backend, x, tokens, false, y);
  }

  void prefillAdding(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    backend.matmul(weight, bias, x, tokens, true, y);
  }

  void decodeAdding(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    decode(backend, x, tokens, true, y);
  }

  private void decode(
      Backend backend, NativeMemory x, int tokens, boolean accumulate, NativeMemory y) {
    @Nullable RowPacks packed = packs;
    if (packed != null) {
      packed.matvec(x, tokens, accumulate, y);
    } else {
      backend.matvec(weight, bias, x, tokens, accumulate, y);
    }
  }

  /** Its packed rows, if there are some. */
  @Nullable RowPacks packs() {
    return packs;
  }

  /** Packs its rows, which decoding reads from then on. Once. */
  void pack(Backend backend) {
    packs = RowPacks.of(backend, weight, bias);
  }

  /** Gives back what {@link #pack} took. */
  @Override
  public void close() {
    @Nullable RowPacks packed = packs;
    if (packed != null) {
      packed.close();
    }
  }
}
