package org.coreinfer.core;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.coreinfer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * What a corpus showed of a model's neurons, once and for all: how much each matters in each kind
 * of text, how many each layer needs, and what that costs. Immutable.
 *
 * <p>Documents were clustered by their core neurons (arXiv 2410.18311, section 4.2). Of each
 * cluster, {@link #roots} has the square root of the mean score that a token gives a neuron.
 * Budgets divide a keep fraction among the layers, so that a neuron is computed wherever it is
 * worth most.
 */
public final class Calibration {
  private static final double KEEP_TOLERANCE = 1e-6; // files hold keeps as F32

  private final Source source;
  private final int priorTokens;
  private final float[][][] roots;
  private final Budgets budgets;
  private final Map<Integer, LinearMap> maps;

  /**
   * What was calibrated.
   *
   * @param model the calibrated file's name
   * @param rule the rule of the scores, a name of {@link Rules}
   * @param alpha of the rule
   * @param documents that were read
   * @param tokens of these documents
   */
  public record Source(
      String model,
      int layers,
      int neurons,
      String rule,
      double alpha,
      int documents,
      long tokens) {}

  /**
   * How a keep fraction is spent, at some fractions; between them both are interpolated.
   *
   * @param keeps ascending, from above 0 to 1
   * @param shares for each of {@code keeps} the fraction of every layer; their mean is the keep
   * @param divergence for each of {@code keeps} the mean KL divergence from dense decoding, in nats
   *     per token, that was measured with {@link CoreOptions.Method#AUTO}
   */
  public record Budgets(List<Double> keeps, float[][] shares, List<Double> divergence) {}

  /**
   * @param priorTokens how many tokens of a prompt weigh as much as its cluster does
   * @param roots (clusters, layers, neurons)
   * @param maps estimates of what is left out, by index of the budgets' keeps; none if they don't
   *     help
   */
  public Calibration(
      Source source,
      int priorTokens,
      float[][][] roots,
      Budgets budgets,
      Map<Integer, LinearMap> maps) {
    this.source = source;
    this.priorTokens = priorTokens;
    this.roots = roots;
    this.budgets = budgets;
    this.maps = new TreeMap<>(maps);
  }

  /** With other estimates of what is left out. */
  public Calibration withMaps(Map<Integer, LinearMap> others) {
    return new Calibration(source, priorTokens, roots, budgets, others);
  }

  /** With the divergence measured at each of the budgets' keeps. */
  public Calibration withDivergence(List<Double> measured) {
    return new Calibration(
        source, priorTokens, roots, new Budgets(budgets.keeps(), budgets.shares(), measured), maps);
  }

  public Source source() {
    return source;
  }

  public int priorTokens() {
    return priorTokens;
  }

  public int clusters() {
    return roots.length;
  }

  /** (neurons) of a cluster and layer; not to be changed. */
  public float[] roots(int cluster, int layer) {
    return roots[cluster][layer];
  }

  public Budgets budgets() {
    return budgets;
  }

  /** Estimates of what is left out, by index of the budgets' keeps. */
  public Map<Integer, LinearMap> maps() {
    return Collections.unmodifiableMap(maps);
  }

  /**
   * The estimate of what is left out at a keep fraction: that of the next higher fraction which has
   * one, so that no neuron counts twice. Null if there is none.
   */
  public @Nullable LinearMap mapFor(double keep) {
    for (Map.Entry<Integer, LinearMap> entry : maps.entrySet()) {
      if (budgets.keeps().get(entry.getKey()) >= keep - KEEP_TOLERANCE) {
        return entry.getValue();
      }
    }
    return null;
  }

  /**
   * Checks that a model is of the calibrated shape.
   *
   * @throws IllegalArgumentException if it isn't
   */
  public void requireShapeOf(ModelConfig config) {
    if (config.layers() != source.layers() || config.neurons() != source.neurons()) {
      throw new IllegalArgumentException(
          "calibration of %s: it has %d layers of %d neurons, this model has %d of %d"
              .formatted(
                  source.model(),
                  source.layers(),
                  source.neurons(),
                  config.layers(),
                  config.neurons()));
    }
    for (LinearMap map : maps.values()) {
      if (map.dim() != config.dim()) {
        throw new IllegalArgumentException(
            "calibration of %s: its maps are for models of dimension %d, this one has %d"
                .formatted(source.model(), map.dim(), config.dim()));
      }
    }
  }

  /** The fraction of a layer's neurons that is computed at a keep fraction. */
  public double share(int layer, double keep) {
    List<Double> keeps = budgets.keeps();
    int above = 0;
    while (above < keeps.size() - 1 && keeps.get(above) < keep) {
      above++;
    }
    if (above == 0) {
      return Math.min(1, budgets.shares()[0][layer] * keep / keeps.get(0));
    }
    double low = keeps.get(above - 1);
    double part = Math.min(1, (keep - low) / (keeps.get(above) - low));
    return budgets.shares()[above - 1][layer] * (1 - part) + budgets.shares()[above][layer] * part;
  }

  /**
   * The smallest keep fraction whose measured divergence is at most {@code most} nats per token; 1
   * where none is.
   */
  public double keepFor(double most) {
    List<Double> keeps = budgets.keeps();
    List<Double> divergence = budgets.divergence();
    int first = keeps.size() - 1;
    while (first > 0 && divergence.get(first - 1) <= most) {
      first--;
    }
    if (first == 0 || divergence.get(first) > most) {
      return keeps.get(first);
    }
    double left = divergence.get(first - 1);
    double part = (left - most) / (left - divergence.get(first));
    return keeps.get(first - 1) + part * (keeps.get(first) - keeps.get(first - 1));
  }

  /** The divergence that was measured about a keep fraction, interpolated. */
  public double divergenceAt(double keep) {
    List<Double> keeps = budgets.keeps();
    List<Double> divergence = budgets.divergence();
    int above = 1;
    while (above < keeps.size() - 1 && keeps.get(above) < keep) {
      above++;
    }
    double low = keeps.get(above - 1);
    double part = Math.max(0, Math.min(1, (keep - low) / (keeps.get(above) - low)));
    return divergence.get(above - 1) * (1 - part) + divergence.get(above) * part;
  }
}
