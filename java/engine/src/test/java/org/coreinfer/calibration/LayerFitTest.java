package org.coreinfer.calibration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.tensor.HalfFloat;
import org.coreinfer.tensor.NativeMemory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Least squares on random data whose answer is known, on every backend. */
class LayerFitTest {
  private static final int DIM = 32;
  private static final int DIRECTIONS = 16;
  private static final int RANK = 3;
  private static final int TOKENS = 300;
  private static final int CHUNK = 70;
  private static final double RIDGE = 1e-4;
  private static final double MAP_TOLERANCE = 0.03;

  /** Inputs and outputs of so many tokens, each (tokens, DIM). */
  private record Data(float[] x, float[] y) {}

  /** y = out (in x) + constant, with noise. */
  private static Data planted(Random random, float[] x, double noise) {
    double[] in = random.doubles(RANK * DIM, -1, 1).toArray();
    double[] out = random.doubles(DIM * RANK, -1, 1).toArray();
    double[] constant = random.doubles(DIM, -2, 2).toArray();
    float[] y = new float[TOKENS * DIM];
    for (int t = 0; t < TOKENS; t++) {
      for (int r = 0; r < RANK; r++) {
        double hidden = 0;
        for (int i = 0; i < DIM; i++) {
          hidden += in[r * DIM + i] * x[t * DIM + i];
        }
        for (int i = 0; i < DIM; i++) {
          y[t * DIM + i] += (float) (out[i * RANK + r] * hidden);
        }
      }
      for (int i = 0; i < DIM; i++) {
        y[t * DIM + i] += (float) (constant[i] + noise * random.nextGaussian());
      }
    }
    return new Data(x, y);
  }

  /** Inputs whose columns vary alike and have nothing in common, about 0.5. */
  private static float[] inputs(Random random) {
    double[][] columns = new double[DIM + 1][TOKENS];
    Arrays.fill(columns[0], 1 / Math.sqrt(TOKENS));
    float[] x = new float[TOKENS * DIM];
    for (int i = 1; i <= DIM; i++) {
      Arrays.setAll(columns[i], t -> random.nextGaussian());
      for (int other = 0; other < i; other++) {
        double share = dot(columns[i], columns[other]);
        for (int t = 0; t < TOKENS; t++) {
          columns[i][t] -= share * columns[other][t];
        }
      }
      double length = Math.sqrt(dot(columns[i], columns[i]));
      for (int t = 0; t < TOKENS; t++) {
        columns[i][t] /= length;
        x[t * DIM + i - 1] = (float) (0.5 + Math.sqrt(TOKENS) * columns[i][t]);
      }
    }
    return x;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** Inputs that mostly lie along a few axes. */
  private static float[] unevenInputs(Random random) {
    float[] x = inputs(random);
    for (int i = 0; i < x.length; i++) {
      x[i] *= (float) Math.pow(0.8, i % DIM);
    }
    return x;
  }

  private static LayerFit.Solution fit(TestBackend where, Data data, int rank) {
    return fit(where, data, DIRECTIONS, rank);
  }

  private static LayerFit.Solution fit(TestBackend where, Data data, int directions, int rank) {
    try (Backend backend = where.open();
        LayerFit fit = new LayerFit(backend, DIM, directions)) {
      observe(backend, fit, data);
      fit.findDirections();
      observe(backend, fit, data);
      return fit.solve(rank, RIDGE);
    }
  }

  private static void observe(Backend backend, LayerFit fit, Data data) {
    for (int first = 0; first < TOKENS; first += CHUNK) {
      int tokens = Math.min(CHUNK, TOKENS - first);
      try (NativeMemory x = part(backend, data.x(), first, tokens);
          NativeMemory y = part(backend, data.y(), first, tokens)) {
        fit.observe(x, y, tokens);
      }
    }
  }

  private static NativeMemory part(Backend backend, float[] rows, int first, int tokens) {
    NativeMemory memory = backend.allocateFloats("rows", (long) tokens * DIM);
    float[] values = new float[tokens * DIM];
    System.arraycopy(rows, first * DIM, values, 0, values.length);
    backend.upload(values, memory);
    return memory;
  }

  /** The part of y's variance that the solution leaves unexplained. */
  private static double unexplained(Data data, LayerFit.Solution solution, int rank) {
    double[] mean = new double[DIM];
    for (int i = 0; i < data.y().length; i++) {
      mean[i % DIM] += (double) data.y()[i] / TOKENS;
    }
    double left = 0;
    double variance = 0;
    for (int t = 0; t < TOKENS; t++) {
      double[] estimate = estimate(data.x(), t, solution, rank);
      for (int i = 0; i < DIM; i++) {
        left += Math.pow(data.y()[t * DIM + i] - estimate[i], 2);
        variance += Math.pow(data.y()[t * DIM + i] - mean[i], 2);
      }
    }
    return left / variance;
  }

  private static double[] estimate(float[] x, int token, LayerFit.Solution solution, int rank) {
    double[] estimate = new double[DIM];
    for (int i = 0; i < DIM; i++) {
      estimate[i] = solution.constant()[i];
    }
    for (int r = 0; r < rank; r++) {
      double hidden = 0;
      for (int i = 0; i < DIM; i++) {
        hidden += (double) HalfFloat.toFloat(solution.in()[r * DIM + i]) * x[token * DIM + i];
      }
      for (int i = 0; i < DIM; i++) {
        estimate[i] += HalfFloat.toFloat(solution.out()[i * rank + r]) * hidden;
      }
    }
    return estimate;
  }

  @ParameterizedTest
  @EnumSource
  void findsAPlantedMapOfLowRank(TestBackend where) {
    Random random = new Random(1);
    Data data = planted(random, inputs(random), 0);
    assertEquals(0, unexplained(data, fit(where, data, RANK), RANK), 1e-3);
  }

  @ParameterizedTest
  @EnumSource
  void findsItInNoise(TestBackend where) {
    Random random = new Random(2);
    Data clean = planted(random, inputs(random), 0);
    float[] noisy = clean.y().clone();
    for (int i = 0; i < noisy.length; i++) {
      noisy[i] += (float) (0.5 * random.nextGaussian());
    }
    LayerFit.Solution solution = fit(where, new Data(clean.x(), noisy), RANK);
    assertTrue(unexplained(clean, solution, RANK) < MAP_TOLERANCE);
  }

  @ParameterizedTest
  @EnumSource
  void findsItInUnevenInputsWhereAllDirectionsAreProbed(TestBackend where) {
    Random random = new Random(9);
    Data clean = planted(random, unevenInputs(random), 0);
    float[] noisy = clean.y().clone();
    for (int i = 0; i < noisy.length; i++) {
      noisy[i] += (float) (0.1 * random.nextGaussian());
    }
    LayerFit.Solution solution = fit(where, new Data(clean.x(), noisy), DIM, RANK);
    assertTrue(unexplained(clean, solution, RANK) < MAP_TOLERANCE);
  }

  @ParameterizedTest
  @EnumSource
  void moreRanksExplainMore(TestBackend where) {
    Random random = new Random(3);
    Data data = planted(random, inputs(random), 0);
    double one = unexplained(data, fit(where, data, 1), 1);
    double two = unexplained(data, fit(where, data, 2), 2);
    assertTrue(one < 0.9 && two < 0.8 * one, one + " and " + two);
  }

  @ParameterizedTest
  @EnumSource
  void inputsOfFewDimensionsAreEnough(TestBackend where) {
    Random random = new Random(4);
    float[] x = inputs(random);
    for (int i = 0; i < x.length; i++) {
      int token = i / DIM * DIM;
      x[i] = i % DIM < 5 ? x[i] : x[token + i % 5]; // copies
    }
    Data data = planted(random, x, 0.01);
    assertEquals(0, unexplained(data, fit(where, data, DIM, RANK), RANK), 1e-2);
  }

  @ParameterizedTest
  @EnumSource
  void sizesOfInputsAndOutputsMayDifferByFar(TestBackend where) {
    Random random = new Random(5);
    Data data = planted(random, inputs(random), 0);
    float[] y = data.y().clone();
    for (int i = 0; i < y.length; i++) {
      y[i] *= 1e-3f;
    }
    Data small = new Data(data.x(), y);
    assertEquals(0, unexplained(small, fit(where, small, RANK), RANK), 1e-2);
  }

  @ParameterizedTest
  @EnumSource
  void whereNothingIsLeftOutTheMapIsZero(TestBackend where) {
    LayerFit.Solution solution =
        fit(where, new Data(inputs(new Random(6)), new float[TOKENS * DIM]), RANK);
    assertArrayEquals(new float[DIM], solution.constant());
    for (short half : solution.out()) {
      assertEquals(0f, HalfFloat.toFloat(half), 0f);
    }
  }

  @ParameterizedTest
  @EnumSource
  void inputsThatAreZeroLeaveTheMean(TestBackend where) {
    float[] y = inputs(new Random(7));
    Data data = new Data(new float[TOKENS * DIM], y);
    assertEquals(1, unexplained(data, fit(where, data, RANK), RANK), 1e-4);
  }

  @ParameterizedTest
  @EnumSource
  void inputsThatAreAlwaysTheSameLeaveTheMean(TestBackend where) {
    Random random = new Random(8);
    float[] y = inputs(random);
    float[] one = inputs(random);
    float[] x = new float[TOKENS * DIM];
    for (int i = 0; i < x.length; i++) {
      x[i] = one[i % DIM];
    }
    Data data = new Data(x, y);
    assertEquals(1, unexplained(data, fit(where, data, RANK), RANK), 1e-2);
  }
}
