package org.coreinfer.model;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/** A normalisation of rows of {@code dim} floats. */
interface Norm {
  /** y = norm(x), row by row; x and y may be the same memory. */
  void apply(Backend backend, NativeMemory x, int rows, NativeMemory y);

  /** Root mean square, scaled by {@code weight} (dim). */
  record Rms(NativeMemory weight, int dim, float epsilon) implements Norm {
    @Override
    public void apply(Backend backend, NativeMemory x, int rows, NativeMemory y) {
      backend.rmsNorm(x, weight, rows, dim, epsilon, y);
    }
  }

  /** Zero mean and unit variance, scaled by {@code weight} and shifted by {@code bias} (dim). */
  record Layer(NativeMemory weight, NativeMemory bias, int dim, float epsilon) implements Norm {
    @Override
    public void apply(Backend backend, NativeMemory x, int rows, NativeMemory y) {
      backend.layerNorm(x, weight, bias, rows, dim, epsilon, y);
    }
  }
}
