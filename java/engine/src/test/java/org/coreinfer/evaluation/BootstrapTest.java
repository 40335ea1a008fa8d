package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BootstrapTest {
  private static final double[] VALUES = {3, 8, 1, 9, 4, 6, 2, 5, 7, 5};
  private static final double[] WEIGHTS = {1, 2, 1, 3, 1, 2, 1, 1, 2, 1};

  @Test
  void theValueIsTheRatioOfSums() {
    Estimate estimate = new Bootstrap(10).ratio(VALUES, WEIGHTS, x -> x);
    assertEquals(50.0 / 15, estimate.value(), 1e-12);
    assertTrue(estimate.low() < estimate.value() && estimate.value() < estimate.high());
  }

  @Test
  void identicalMeasurementsHaveIdenticalIntervals() {
    assertEquals(
        new Bootstrap(10).ratio(VALUES, WEIGHTS, Math::exp),
        new Bootstrap(10).ratio(VALUES, WEIGHTS, Math::exp));
  }

  @Test
  void documentsThatAgreeLeaveNoDoubt() {
    double[] same = new double[7];
    double[] ones = new double[7];
    Arrays.fill(same, 0.25);
    Arrays.fill(ones, 1);
    Estimate estimate = new Bootstrap(7).ratio(same, ones, x -> x);
    assertEquals(new Estimate(0.25, 0.25, 0.25), estimate);
    assertEquals(0, estimate.halfWidth());
  }

  @Test
  void oneDocumentShowsNoSpread() {
    Estimate estimate = new Bootstrap(1).ratio(new double[] {6}, new double[] {2}, x -> x);
    assertEquals(3, estimate.value());
    assertFalse(estimate.hasInterval());
  }

  @Test
  void anyMeasureOfExamplesHasAnInterval() {
    double[] values = IntStream.range(0, 400).mapToDouble(i -> i % 4 == 0 ? 100 : 0).toArray();
    ToDoubleFunction<int[]> mean =
        draw -> IntStream.of(draw).mapToDouble(i -> values[i]).average().orElseThrow();
    Estimate estimate = new Bootstrap(values.length, 7).of(mean);
    assertEquals(25, estimate.value());
    // 1.96 standard errors of a share of 1/4 of 400 are 4.24.
    assertEquals(25 - 4.24, estimate.low(), 0.75);
    assertEquals(25 + 4.24, estimate.high(), 0.75);
    assertEquals(estimate, new Bootstrap(values.length, 7).of(mean));
    assertNotEquals(estimate, new Bootstrap(values.length, 8).of(mean));
    assertThrows(IllegalArgumentException.class, () -> new Bootstrap(0, 7));
  }

  @Test
  void theIntervalOfAMeanIsThatOfTheNormalDistribution() {
    int documents = 400;
    SplittableRandom random = new SplittableRandom(1);
    double[] values = random.doubles(documents).toArray();
    double[] ones = new double[documents];
    Arrays.fill(ones, 1);
    double expected = 1.96 * Math.sqrt(1.0 / 12 / documents);
    Estimate estimate = new Bootstrap(documents).ratio(values, ones, x -> x);
    assertEquals(expected, estimate.halfWidth(), 0.1 * expected);
  }
}
