package org.coreinfer.evaluation;

import java.util.List;

/**
 * Rates that were measured several times, in things per second.
 *
 * @param median the mean of the two in the middle of an even number
 */
public record Rate(double median, double min, double max) {
  /**
   * Of these values.
   *
   * @param values at least one
   */
  public static Rate of(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int upper = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2;
    return new Rate(median, sorted[0], sorted[sorted.length - 1]);
  }
}
