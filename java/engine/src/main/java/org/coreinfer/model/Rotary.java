package org.coreinfer.model;

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
  private static final int ROWS = 512; // that are computed and copied at once

  static Rotary create(
      Backend backend,
      RopeScaling scaling,
      double base,
      int pairs,
      boolean adjacent,
      int positions) {
    NativeMemory table = backend.allocateFloats("rotary positions", (long) positions * pairs * 2);
    try {
      fill(backend, scaling, base, pairs, positions, table);
    } catch (RuntimeException e) {
      table.close();
      throw e;
    }
    return new Rotary(table, pairs, adjacent);
  }

  private static void fill(
      Backend backend,
      RopeScaling scaling,
      double base,
      int pairs,
      int positions,
      NativeMemory table) {
    double magnitude = scaling.magnitude();
    float[] frequencies = new float[pairs];
    for (int i = 0; i < pairs; i++) {
      frequencies[i] = (float) scaling.frequency(i, pairs, base);
    }
    long rowBytes = 2L * pairs * Float.BYTES;
    for (int first = 0; first < positions; first += ROWS) {
      int count = Math.min(ROWS, positions - first);
      float[] rotations = new float[count * pairs * 2];
      int at = 0;
      for (int position = first; position < first + count; position++) {
        for (float frequency : frequencies) {
          float angle = position * frequency; // float32, as in the reference implementations
          rotations[at++] = (float) (Math.cos(angle) * magnitude);
          rotations[at++] = (float) (Math.sin(angle) * magnitude);
        }
      }
      backend.upload(rotations, table.slice(first * rowBytes, count * rowBytes));
    }
  }

  /** Rotates {@code tokens} rows of heads in place. */
  void apply(
      Backend backend,
      int tokens,
      int heads,
      int headDim,
      NativeMemory firstPosition,
      NativeMemory x) {
    backend.rope(table, pairs, adjacent, tokens, heads, headDim, firstPosition, x);
  }
}
