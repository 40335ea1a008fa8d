package org.coreinfer.model;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A projection.
 *
 * @param weight (outputs, inputs)
 * @param bias (outputs), F32
 */
record Linear(Tensor weight, @Nullable NativeMemory bias) {
  void prefill(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    backend.matmul(weight, bias, x, tokens, false, y);
  }

  void decode(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    backend.matvec(weight, bias, x, tokens, false, y);
  }

  void prefillAdding(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    backend.matmul(weight, bias, x, tokens, true, y);
  }

  void decodeAdding(Backend backend, NativeMemory x, int tokens, NativeMemory y) {
    backend.matvec(weight, bias, x, tokens, true, y);
  }
}
