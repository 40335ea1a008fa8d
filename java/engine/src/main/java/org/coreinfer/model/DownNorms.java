package org.coreinfer.model;

import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * The squared norms of the rows of each layer's down projection, computed when they are first asked
 * for. Thread-safe.
 */
public final class DownNorms implements AutoCloseable {
  private final Backend backend;
  private final @Nullable NativeMemory[] layers;
  private final Resources memory = new Resources();

  DownNorms(Backend backend, int layers) {
    this.backend = backend;
    this.layers = new NativeMemory[layers];
  }

  /**
   * A layer's squared norms (neurons).
   *
   * @param on where the weights can be read
   */
  public synchronized NativeMemory squared(Backend on, int layer, FfnWeights weights) {
    NativeMemory known = layers[layer];
    if (known == null) {
      known = memory.own(backend.allocateFloats("norms of down rows", weights.neurons()));
      on.rowNorms(weights.down(), known);
      float[] values = on.downloadFloats(known, weights.neurons());
      for (int i = 0; i < values.length; i++) {
        values[i] *= values[i];
      }
      on.upload(values, known);
      layers[layer] = known;
    }
    return known;
  }

  @Override
  public synchronized void close() {
    memory.close();
  }
}
