package org.coreinfer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.coreinfer.backend.Backend;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.tensor.NativeMemory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Choosing the neurons with the highest scores, on every backend. */
class SelectionTest {
  @ParameterizedTest
  @EnumSource
  void ofEqualScoresTheLowerNumbersAreChosen(TestBackend where) {
    assertArrayEquals(new int[] {1, 2, 4}, chosen(where, 3, false, 1, 2, 2, 1, 3));
    assertArrayEquals(new int[] {0, 1, 4}, chosen(where, 3, false, 1, 2, 0, 1, 3));
    assertArrayEquals(new int[] {0, 1}, chosen(where, 2, false, 0, 0, 0));
  }

  @ParameterizedTest
  @EnumSource
  void neuronsThatWereNotSeenAreLeftOutWhereTheRuleSaysSo(TestBackend where) {
    assertArrayEquals(new int[] {1}, chosen(where, 3, true, 0, 2, 0, 0));
    assertArrayEquals(new int[] {0}, chosen(where, 2, true, 0, 0));
  }

  @ParameterizedTest
  @EnumSource
  void aBrokenModelsNaNScoresAreChosenLast(TestBackend where) {
    assertArrayEquals(new int[] {1, 2}, chosen(where, 2, false, Float.NaN, 2, 1));
  }

  @ParameterizedTest
  @EnumSource
  void weightsMultiplyScores(TestBackend where) {
    float[] scores = {4, 3, 2, 1};
    float[] weights = {1, 1, 9, 9};
    assertArrayEquals(new int[] {2, 3}, chosen(where, 2, false, scores, weights));
  }

  private static int[] chosen(TestBackend where, int count, boolean onlySeen, float... scores) {
    return chosen(where, count, onlySeen, scores, new float[0]);
  }

  private static int[] chosen(
      TestBackend where, int count, boolean onlySeen, float[] scores, float[] weights) {
    int neurons = scores.length;
    try (Backend backend = where.open();
        NativeMemory scored = backend.allocateFloats("scores", neurons);
        NativeMemory weighed = backend.allocateFloats("weights", neurons);
        NativeMemory ids = backend.allocateInts("ids", neurons);
        NativeMemory core = backend.allocateInts("core", 1)) {
      backend.upload(scores, scored);
      backend.upload(weights, weighed);
      backend.scoreSelect(
          scored, weights.length == 0 ? null : weighed, neurons, count, onlySeen, ids, core);
      return backend.downloadInts(ids, backend.downloadInts(core, 1)[0]);
    }
  }
}
