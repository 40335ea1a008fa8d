package org.coreinfer.core;

import java.util.Arrays;

/**
 * Finds the cluster of a calibration that is nearest to a prompt, and weighs the prompt's scores
 * against it. Layers give evidence one after another: the squared distance between the roots of
 * their scores and of the cluster's, both of length 1. For one thread.
 */
final class Prior {
  private final Calibration calibration;
  private final double[] distances;
  private final double[][] lengths; // of the clusters' roots, by layer
  private int seenLayers;

  Prior(Calibration calibration) {
    this.calibration = calibration;
    this.distances = new double[calibration.clusters()];
    this.lengths = new double[calibration.clusters()][calibration.source().layers()];
    for (int cluster = 0; cluster < lengths.length; cluster++) {
      for (int layer = 0; layer < lengths[cluster].length; layer++) {
        lengths[cluster][layer] = length(calibration.roots(cluster, layer));
      }
    }
  }

  private static double length(float[] roots) {
    double sum = 0;
    for (float root : roots) {
      sum += (double) root * root;
    }
    return Math.sqrt(sum);
  }

  /** Forgets a prompt. */
  void reset() {
    Arrays.fill(distances, 0);
    seenLayers = 0;
  }

  /** Layers that gave evidence. */
  int seenLayers() {
    return seenLayers;
  }

  /**
   * Takes the next layer's evidence.
   *
   * @param scores (neurons) of the prompt
   */
  void see(float[] scores) {
    int layer = seenLayers++;
    double total = 0;
    float[] roots = new float[scores.length];
    for (int i = 0; i < scores.length; i++) {
      roots[i] = (float) Math.sqrt(scores[i]);
      total += scores[i];
    }
    if (!(total > 0)) {
      return;
    }
    double length = Math.sqrt(total);
    for (int cluster = 0; cluster < distances.length; cluster++) {
      double product = 0;
      float[] other = calibration.roots(cluster, layer);
      for (int i = 0; i < roots.length; i++) {
        product += roots[i] * other[i];
      }
      double both = length * lengths[cluster][layer];
      distances[cluster] += both > 0 ? 2 - 2 * product / both : 2;
    }
  }

  /** The nearest cluster so far; of equals the lower. */
  int cluster() {
    int nearest = 0;
    for (int cluster = 1; cluster < distances.length; cluster++) {
      if (distances[cluster] < distances[nearest]) {
        nearest = cluster;
      }
    }
    return nearest;
  }

  /** What the nearest cluster says of a layer, as the scores of {@code tokens} tokens. */
  float[] scores(int layer, int tokens) {
    float[] roots = calibration.roots(cluster(), layer);
    float[] scores = new float[roots.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = tokens * roots[i] * roots[i];
    }
    return scores;
  }
}
