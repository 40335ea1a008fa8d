package org.coreinfer.model;

import java.nio.FloatBuffer;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/**
 * Rotary position embedding (arXiv 2104.09864): a table of cosines and sines for every position of
 * the context.
 *
 * @param table (positions, pairs, 2)
 * @param adjacent whether elements 2i and 2i+1 are a pair, as in GGUF's llama, rather than i and
 *     i+pairs
 */
record Rotary(NativeMemory table, int pairs, boolean adjacent) {

  static Rotary create(
      Backend backend,
      RopeScaling scaling,
      double base,
      int pairs,
      boolean adjacent,
      int positions) {
    NativeMemory table = backend.allocateFloats("rotary positions", (long) positions * pairs * 2);
    double magnitude = scaling.magnitude();
    float[] frequencies = new float[pairs];
    for (int i = 0; i < pairs; i++) {
      frequencies[i] = (float) scaling.frequency(i, pairs, base);
    }
    FloatBuffer rotations = table.floats();
    for (int position = 0; position < positions; position++) {
      for (float frequency : frequencies) {
        float angle = position * frequency; // float32, as in the reference implementations
        rotations.put((float) (Math.cos(angle) * magnitude));
        rotations.put((float) (Math.sin(angle) * magnitude));
      }
    }
    return new Rotary(table, pairs, adjacent);
  }

  /** Rotates {@code tokens} rows of heads in place. */
  void apply(
      Backend backend, int tokens, int heads, int headDim, int firstPosition, NativeMemory x) {
    backend.rope(table, pairs, adjacent, tokens, heads, headDim, firstPosition, x);
  }
}
