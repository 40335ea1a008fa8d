package org.coreinfer.calibration;

import java.util.Arrays;
import org.coreinfer.core.Calibration;

/**
 * How much of a layer's scores is lost with the neurons that a share leaves out, the mean over a
 * calibration's clusters. Immutable.
 *
 * @param rowWeights (neurons): what a score counts times
 */
record LayerScores(Calibration calibration, int layer, float[] rowWeights) {
  /** The share without which {@code part} of all scores is lost. */
  double shareThatLoses(double part) {
    double total = lost(0);
    double low = 0;
    double high = 1;
    for (int i = 0; i < 12; i++) {
      double middle = (low + high) / 2;
      if (lost(middle) > part * total) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /** The scores that are lost when only a share of the neurons is kept. */
  double lost(double share) {
    double sum = 0;
    int count = rowWeights.length - (int) Math.round(share * rowWeights.length);
    for (int k = 0; k < calibration.clusters(); k++) {
      float[] scores = scores(calibration.roots(k, layer));
      Arrays.sort(scores);
      for (int i = 0; i < count; i++) {
        sum += scores[i];
      }
    }
    return sum / calibration.clusters();
  }

  private float[] scores(float[] roots) {
    float[] scores = new float[roots.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = roots[i] * roots[i] * rowWeights[i];
    }
    return scores;
  }
}
