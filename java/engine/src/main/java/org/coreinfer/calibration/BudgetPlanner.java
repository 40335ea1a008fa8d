package org.coreinfer.calibration;

import java.util.Arrays;
import java.util.List;

/**
 * Shares neurons among layers: all neurons of all layers are ranked by what dropping them costs,
 * and a layer gets as many as it has among the best. Ranked per document and averaged, as each
 * prompt has neurons of its own.
 */
final class BudgetPlanner {
  /** No layer gets less than this share of its neurons. */
  private static final double FLOOR = 0.02;

  private final int layers;
  private final int neurons;
  private final List<Double> keeps;
  private final double[][] sums; // (keeps, layers)
  private int documents;

  BudgetPlanner(int layers, int neurons, List<Double> keeps) {
    this.layers = layers;
    this.neurons = neurons;
    this.keeps = keeps;
    this.sums = new double[keeps.size()][layers];
  }

  /**
   * Adds a document.
   *
   * @param costs (layers, neurons) of dropping each neuron, in a unit that all layers have in
   *     common
   */
  void add(float[][] costs) {
    int floor = Math.max(1, (int) Math.round(FLOOR * neurons));
    long[] ranked = new long[layers * neurons];
    for (int layer = 0; layer < layers; layer++) {
      float[] sorted = costs[layer].clone();
      Arrays.sort(sorted);
      // Exactly so many, as most neurons may cost the same, such as nothing.
      Arrays.fill(sorted, neurons - floor, neurons, Float.MAX_VALUE);
      for (int i = 0; i < neurons; i++) {
        // Costs are not negative, so their bits order as they do.
        long bits = Float.floatToIntBits(sorted[i]);
        ranked[layer * neurons + i] = bits << Integer.SIZE | layer;
      }
    }
    Arrays.sort(ranked);
    for (int k = 0; k < keeps.size(); k++) {
      int count = (int) Math.round(keeps.get(k) * ranked.length);
      for (int i = ranked.length - count; i < ranked.length; i++) {
        sums[k][(int) ranked[i]]++;
      }
    }
    documents++;
  }

  /** (keeps, layers): the mean share of each layer's neurons. */
  float[][] shares() {
    float[][] shares = new float[keeps.size()][layers];
    for (int k = 0; k < shares.length; k++) {
      for (int layer = 0; layer < layers; layer++) {
        shares[k][layer] = (float) Math.min(1, sums[k][layer] / ((double) documents * neurons));
      }
    }
    return shares;
  }

  /** (keeps, layers): the same share for every layer. */
  static float[][] uniform(int layers, List<Double> keeps) {
    float[][] shares = new float[keeps.size()][layers];
    for (int k = 0; k < shares.length; k++) {
      Arrays.fill(shares[k], keeps.get(k).floatValue());
    }
    return shares;
  }
}
