package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Pearson's test of counts against a distribution. */
public final class ChiSquare {
  private static final double DEVIATIONS = 3.7; // one in 10000 exceeds it by chance
  private static final double LEAST_EXPECTED = 5;

  private ChiSquare() {}

  /** Fails if so many draws would hardly ever differ so much from what is expected. */
  public static void check(long[] counts, double[] probabilities) {
    long draws = 0;
    for (long count : counts) {
      draws += count;
    }
    double statistic = 0;
    int cells = 0;
    double restExpected = 0;
    long rest = 0;
    for (int i = 0; i < counts.length; i++) {
      double expected = probabilities[i] * draws;
      if (probabilities[i] == 0) {
        assertEquals(0, counts[i], "draws of what is impossible: " + i);
      } else if (expected < LEAST_EXPECTED) {
        restExpected += expected;
        rest += counts[i];
      } else {
        statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
        cells++;
      }
    }
    if (restExpected > 0) {
      double expected = Math.max(restExpected, 1);
      statistic += (rest - restExpected) * (rest - restExpected) / expected;
      cells++;
    }
    if (cells > 1) {
      double freedom = cells - 1;
      double root = Math.cbrt(statistic / freedom); // near to normal (Wilson and Hilferty)
      double deviations = (root - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom));
      assertTrue(
          deviations < DEVIATIONS,
          "chi-square %.1f with %d degrees of freedom".formatted(statistic, cells - 1));
    }
  }
}
