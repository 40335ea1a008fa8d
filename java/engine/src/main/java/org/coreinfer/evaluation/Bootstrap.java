package org.coreinfer.evaluation;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/**
 * Confidence intervals over documents, or over other examples, by drawing as many of them again and
 * again, with replacement (the percentile bootstrap). Draws depend on the seed and the number of
 * examples alone: equal measurements have equal intervals, and the difference of two measures over
 * the same draws is a paired comparison. Immutable.
 */
public final class Bootstrap {
  private static final int DRAWS = 2000;
  private static final long SEED = 20241018;
  private static final double OUTSIDE = 2.5; // percent, on each side

  private final int examples;
  private final long seed;

  /**
   * @param examples how many were measured, at least 1
   */
  public Bootstrap(int examples, long seed) {
    if (examples < 1) {
      throw new IllegalArgumentException("examples=" + examples + ": expected 1 or more");
    }
    this.examples = examples;
    this.seed = seed;
  }

  /** With a seed of its own. */
  Bootstrap(int examples) {
    this(examples, SEED);
  }

  /**
   * A measure of all examples, with its interval if there are several.
   *
   * @param measure of the examples with these numbers, from 0 on; some may stand there repeatedly
   */
  public Estimate of(ToDoubleFunction<int[]> measure) {
    double value = measure.applyAsDouble(IntStream.range(0, examples).toArray());
    if (examples == 1) {
      return new Estimate(value, Double.NaN, Double.NaN);
    }
    SplittableRandom random = new SplittableRandom(seed);
    int[] draw = new int[examples];
    double[] drawn = new double[DRAWS];
    for (int i = 0; i < DRAWS; i++) {
      Arrays.setAll(draw, example -> random.nextInt(examples));
      drawn[i] = measure.applyAsDouble(draw);
    }
    Percentile percentile = new Percentile();
    percentile.setData(drawn);
    return new Estimate(value, percentile.evaluate(OUTSIDE), percentile.evaluate(100 - OUTSIDE));
  }

  /**
   * {@code transform} of the sum of {@code values} over the sum of {@code weights}.
   *
   * @param values (examples)
   * @param weights (examples), above 0
   * @param transform does not fall
   */
  Estimate ratio(double[] values, double[] weights, DoubleUnaryOperator transform) {
    return of(draw -> transform.applyAsDouble(sum(values, draw) / sum(weights, draw)));
  }

  private static double sum(double[] values, int[] draw) {
    double sum = 0;
    for (int i : draw) {
      sum += values[i];
    }
    return sum;
  }
}
