package org.coreinfer.evaluation;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/**
 * Confidence intervals of means over documents, by drawing as many documents again and again (the
 * percentile bootstrap). The same number of documents gets the same draws, so that equal
 * measurements have equal intervals.
 */
final class Bootstrap {
  private static final int DRAWS = 2000;
  private static final long SEED = 20241018;
  private static final double OUTSIDE = 2.5; // percent, on each side

  private final int documents;
  private final int[][] draws; // (draws, documents): how often a document was drawn

  Bootstrap(int documents) {
    this.documents = documents;
    this.draws = new int[documents > 1 ? DRAWS : 0][documents];
    SplittableRandom random = new SplittableRandom(SEED);
    for (int[] draw : draws) {
      for (int i = 0; i < documents; i++) {
        draw[random.nextInt(documents)]++;
      }
    }
  }

  /**
   * {@code transform} of the sum of {@code values} over the sum of {@code weights}.
   *
   * @param values (documents)
   * @param weights (documents), above 0
   * @param transform does not fall
   */
  Estimate ratio(double[] values, double[] weights, DoubleUnaryOperator transform) {
    int[] once = new int[documents];
    Arrays.fill(once, 1);
    double value = transform.applyAsDouble(ratio(once, values, weights));
    if (draws.length == 0) {
      return new Estimate(value, Double.NaN, Double.NaN);
    }
    double[] drawn = new double[draws.length];
    Arrays.setAll(drawn, i -> transform.applyAsDouble(ratio(draws[i], values, weights)));
    Percentile percentile = new Percentile();
    percentile.setData(drawn);
    return new Estimate(value, percentile.evaluate(OUTSIDE), percentile.evaluate(100 - OUTSIDE));
  }

  private static double ratio(int[] draw, double[] values, double[] weights) {
    double sum = 0;
    double weight = 0;
    for (int i = 0; i < draw.length; i++) {
      sum += draw[i] * values[i];
      weight += draw[i] * weights[i];
    }
    return sum / weight;
  }
}
