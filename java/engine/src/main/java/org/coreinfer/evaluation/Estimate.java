package org.coreinfer.evaluation;

/**
 * A measured value with its 95 % confidence interval over documents or other examples.
 *
 * @param low NaN where it is unknown, as one example shows no spread
 * @param high NaN where it is unknown
 */
public record Estimate(double value, double low, double high) {
  /** Whether more than one example was measured. */
  public boolean hasInterval() {
    return !Double.isNaN(low);
  }

  /** Half the width of the interval. */
  public double halfWidth() {
    return (high - low) / 2;
  }
}
