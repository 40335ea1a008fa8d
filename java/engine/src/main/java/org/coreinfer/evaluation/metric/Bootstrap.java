package org.coreinfer.evaluation.metric;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Confidence intervals by the percentile bootstrap: the score of {@value #RESAMPLES} draws, with
 * replacement, of as many examples as there are. The draws depend on seed and number of examples
 * alone, so the difference of two scores over the same draws is a paired comparison.
 */
public final class Bootstrap {
  private static final int RESAMPLES = 1000;
  private static final double LOW = 0.025;
  private static final double HIGH = 0.975;

  private final int examples;
  private final long seed;

  /**
   * @param examples how many were scored, at least 1
   */
  public Bootstrap(int examples, long seed) {
    if (examples < 1) {
      throw new IllegalArgumentException("examples=" + examples + ": expected 1 or more");
    }
    this.examples = examples;
    this.seed = seed;
  }

  /** The value over all examples and its interval. */
  public Score score(ToDoubleFunction<int[]> value) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] values = new double[RESAMPLES];
    int[] draw = new int[examples];
    for (int i = 0; i < RESAMPLES; i++) {
      Arrays.setAll(draw, example -> random.nextInt(examples));
      values[i] = value.applyAsDouble(draw);
    }
    Arrays.sort(values);
    double whole = value.applyAsDouble(IntStream.range(0, examples).toArray());
    return new Score(whole, quantile(values, LOW), quantile(values, HIGH));
  }

  private static double quantile(double[] sorted, double share) {
    return sorted[(int) Math.round(share * (sorted.length - 1))];
  }
}
