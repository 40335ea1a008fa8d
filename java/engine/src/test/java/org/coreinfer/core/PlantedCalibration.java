package org.coreinfer.core;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.coreinfer.tensor.HalfFloat;

/** Calibrations whose contents tests know. */
public final class PlantedCalibration {
  public static final List<Double> KEEPS = List.of(0.25, 0.5, 1.0);

  private PlantedCalibration() {}

  /**
   * With the same share for every layer, no maps, and divergences 0.5, 0.125 and 0.
   *
   * @param roots (clusters, layers, neurons)
   */
  public static Calibration of(float[][][] roots) {
    return of(roots, "relative", 128);
  }

  /** The same with another rule, and so many tokens that weigh as much as the cluster. */
  public static Calibration of(float[][][] roots, String rule, int priorTokens) {
    int layers = roots[0].length;
    float[][] shares = new float[KEEPS.size()][layers];
    for (int k = 0; k < shares.length; k++) {
      Arrays.fill(shares[k], KEEPS.get(k).floatValue());
    }
    return new Calibration(
        new Calibration.Source("planted", layers, roots[0][0].length, rule, 0.5, 20, 1000),
        priorTokens,
        roots,
        new Calibration.Budgets(KEEPS, shares, List.of(0.5, 0.125, 0.0)),
        Map.of());
  }

  /** With other shares, (keeps, layers). */
  public static Calibration withShares(Calibration calibration, float[][] shares) {
    Calibration.Budgets budgets = calibration.budgets();
    return new Calibration(
        calibration.source(),
        calibration.priorTokens(),
        roots(calibration),
        new Calibration.Budgets(budgets.keeps(), shares, budgets.divergence()),
        calibration.maps());
  }

  private static float[][][] roots(Calibration calibration) {
    float[][][] roots = new float[calibration.clusters()][calibration.source().layers()][];
    for (int cluster = 0; cluster < roots.length; cluster++) {
      for (int layer = 0; layer < roots[cluster].length; layer++) {
        roots[cluster][layer] = calibration.roots(cluster, layer);
      }
    }
    return roots;
  }

  /** Two clusters, of low and of high neurons, whose values BF16 holds exactly. */
  public static float[][][] halves(int layers, int neurons) {
    float[][][] roots = new float[2][layers][neurons];
    for (int layer = 0; layer < layers; layer++) {
      for (int i = 0; i < neurons; i++) {
        roots[i < neurons / 2 ? 0 : 1][layer][i] = 0.5f;
        roots[i < neurons / 2 ? 1 : 0][layer][i] = 0.125f;
      }
    }
    return roots;
  }

  /** A map with random values that F16 holds exactly. */
  public static LinearMap map(int layers, int rank, int dim, long seed) {
    Random random = new Random(seed);
    short[][] in = new short[layers][rank * dim];
    short[][] out = new short[layers][dim * rank];
    float[][] constant = new float[layers][dim];
    for (int layer = 0; layer < layers; layer++) {
      for (int i = 0; i < rank * dim; i++) {
        in[layer][i] = HalfFloat.fromFloat((float) random.nextGaussian());
        out[layer][i] = HalfFloat.fromFloat((float) random.nextGaussian());
      }
      for (int i = 0; i < dim; i++) {
        constant[layer][i] = (float) random.nextGaussian();
      }
    }
    return new LinearMap(rank, in, out, constant);
  }
}
