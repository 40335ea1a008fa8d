package org.coreinfer.core;

import java.io.Serializable;
import java.util.Locale;
import java.util.Objects;
import org.coreinfer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * How neurons are chosen. Immutable; start from {@link #dense}, {@link #stability}, {@link
 * #similarity} or {@link #auto}, and change what should differ.
 *
 * @param method where core neurons come from
 * @param rule a name of {@link Rules}
 * @param alpha share of a token's activations that count, in (0, 1]; for the counting rules
 * @param keep fraction of all neurons that decoding computes, in (0, 1]
 * @param layers layers that are decoded sparsely, each with {@code keep}; null for all
 * @param calibration what a corpus showed: the methods {@code SIMILARITY} and {@code AUTO} need
 *     one, and where all layers are sparse it says how they share {@code keep}
 * @param upkeep what is done about the neurons that are left out
 */
public record CoreOptions(
    Method method,
    String rule,
    double alpha,
    double keep,
    @Nullable LayerRange layers,
    @Nullable Calibration calibration,
    Upkeep upkeep) {

  /** Where core neurons come from. */
  public enum Method {
    /** Every neuron is computed. */
    DENSE,
    /** The prompt's own core neurons (the paper's stability-guided prediction). */
    STABILITY,
    /** Those of the calibration's cluster that is nearest to the prompt (similarity-guided). */
    SIMILARITY,
    /** The prompt's own scores, and its cluster's as a prior that fades as the prompt grows. */
    AUTO
  }

  /** Layers {@code first} to {@code last}, counted from 0, both included. */
  public record LayerRange(int first, int last) implements Serializable {
    public LayerRange {
      if (first < 0 || last < first) {
        throw new IllegalArgumentException(
            "layers " + first + ".." + last + ": expected FIRST..LAST, counted from 0");
      }
    }

    /** Reads {@code A..B}. */
    public static LayerRange parse(String text) {
      String[] ends = text.split("\\.\\.", -1);
      try {
        if (ends.length == 2) {
          return new LayerRange(
              Integer.parseInt(ends[0].strip()), Integer.parseInt(ends[1].strip()));
        }
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException("layers " + text + ": expected FIRST..LAST", e);
      }
      throw new IllegalArgumentException("layers " + text + ": expected FIRST..LAST");
    }

    @Override
    public String toString() {
      return first + ".." + last;
    }
  }

  /**
   * What keeps core decoding near to dense decoding.
   *
   * @param refresh one of so many tokens is computed with every neuron, and the set is chosen anew;
   *     0 for never, {@link #AUTO} for as often as its drift demands
   * @param compensates whether what is left out is estimated and added back: by the calibration's
   *     {@link LinearMap} where all layers share its budgets, else by its mean over the prompt
   * @param isLossless whether core neurons only draft tokens, which every neuron then verifies: the
   *     answer is that of dense decoding
   */
  public record Upkeep(int refresh, boolean compensates, boolean isLossless) {
    /** The set stays as the prompt chose it. */
    public static final Upkeep NONE = new Upkeep(0, false, false);

    /** Refreshes as far apart as drift allows. */
    public static final int AUTO = -1;

    public Upkeep {
      if (refresh < AUTO) {
        throw new IllegalArgumentException("refresh=" + refresh + ": expected 0 (never) or more");
      }
      if (isLossless && refresh != 0) {
        throw new IllegalArgumentException(
            "refresh with lossless: every pass that verifies drafts renews the core neurons anyway;"
                + " leave refresh out");
      }
    }

    /** Refreshes after every so many tokens, nothing else. */
    public static Upkeep refreshing(int refresh) {
      return new Upkeep(refresh, false, false);
    }
  }

  public static final String DEFAULT_RULE = Rules.RELATIVE;
  public static final double DEFAULT_ALPHA = 0.4;

  /** The divergence from dense decoding that defaults stay below, in nats per token. */
  public static final double DEFAULT_MAX_KL = 0.1;

  public CoreOptions {
    Rules.of(rule, alpha);
    if (!(keep > 0 && keep <= 1)) {
      throw new IllegalArgumentException("keep=" + keep + ": expected above 0, at most 1");
    }
    if (method == Method.SIMILARITY || method == Method.AUTO) {
      requireCalibration(method, calibration, rule);
    }
    if (method == Method.SIMILARITY && upkeep.refresh() != 0) {
      throw new IllegalArgumentException(
          "refresh with method similarity: its core neurons are the calibration's, which tokens do"
              + " not renew; use method auto");
    }
  }

  private static void requireCalibration(
      Method method, @Nullable Calibration calibration, String rule) {
    String name = method.name().toLowerCase(Locale.ROOT);
    if (calibration == null) {
      throw new IllegalArgumentException(
          "method "
              + name
              + " needs a calibration of the model; make one with coreinfer calibrate");
    }
    String calibrated = calibration.source().rule();
    if (!calibrated.equals(rule)) {
      throw new IllegalArgumentException(
          "method %s: the calibration was made with rule %s, not %s"
              .formatted(name, calibrated, rule));
    }
  }

  /** Every neuron. */
  public static CoreOptions dense() {
    return new CoreOptions(Method.DENSE, DEFAULT_RULE, DEFAULT_ALPHA, 1, null, null, Upkeep.NONE);
  }

  /** The prompt's own core neurons with the default rule. */
  public static CoreOptions stability(double keep) {
    return new CoreOptions(
        Method.STABILITY, DEFAULT_RULE, DEFAULT_ALPHA, keep, null, null, Upkeep.NONE);
  }

  /** The core neurons of the prompt's cluster. */
  public static CoreOptions similarity(double keep, Calibration calibration) {
    return calibrated(Method.SIMILARITY, keep, calibration);
  }

  /** The prompt's own core neurons with its cluster as a prior. */
  public static CoreOptions auto(double keep, Calibration calibration) {
    return calibrated(Method.AUTO, keep, calibration);
  }

  private static CoreOptions calibrated(Method method, double keep, Calibration calibration) {
    Calibration.Source source = calibration.source();
    Upkeep upkeep = new Upkeep(0, calibration.mapFor(keep) != null, false);
    return new CoreOptions(method, source.rule(), source.alpha(), keep, null, calibration, upkeep);
  }

  /**
   * As few neurons as a divergence from dense decoding allows; every neuron where no fraction of
   * them was measured to stay below it.
   *
   * @param maxKl nats per token, above 0
   */
  public static CoreOptions within(double maxKl, Calibration calibration) {
    if (!(maxKl > 0)) {
      throw new IllegalArgumentException("max-kl=" + maxKl + ": expected above 0");
    }
    double keep = calibration.keepFor(maxKl);
    return keep < 1 ? auto(keep, calibration) : dense();
  }

  /**
   * Text that reads like dense text: core neurons within {@link #DEFAULT_MAX_KL} where the model
   * was calibrated, every neuron where nothing is known of it.
   */
  public static CoreOptions defaults(@Nullable Calibration calibration) {
    return calibration == null ? dense() : within(DEFAULT_MAX_KL, calibration);
  }

  public CoreOptions withMethod(Method other) {
    return new CoreOptions(other, rule, alpha, keep, layers, calibration, upkeep);
  }

  public CoreOptions withRule(String name) {
    return new CoreOptions(method, name, alpha, keep, layers, calibration, upkeep);
  }

  public CoreOptions withAlpha(double share) {
    return new CoreOptions(method, rule, share, keep, layers, calibration, upkeep);
  }

  public CoreOptions withKeep(double fraction) {
    return new CoreOptions(method, rule, alpha, fraction, layers, calibration, upkeep);
  }

  public CoreOptions withLayers(@Nullable LayerRange range) {
    return new CoreOptions(method, rule, alpha, keep, range, calibration, upkeep);
  }

  public CoreOptions withCalibration(@Nullable Calibration other) {
    return new CoreOptions(method, rule, alpha, keep, layers, other, upkeep);
  }

  public CoreOptions withUpkeep(Upkeep other) {
    return new CoreOptions(method, rule, alpha, keep, layers, calibration, other);
  }

  /**
   * Checks the layer range and the calibration against a model.
   *
   * @throws IllegalArgumentException if the model has no such layers, or another shape
   */
  public void requireSuits(ModelConfig config) {
    if (layers != null && layers.last() >= config.layers()) {
      throw new IllegalArgumentException(
          "layers %s: the model has layers 0..%d".formatted(layers, config.layers() - 1));
    }
    if (calibration != null) {
      calibration.requireShapeOf(config);
    }
  }

  /**
   * Whether a prompt gives the same scores with other options, so that what was noted of it serves
   * both: not if either is dense, as then nothing is noted.
   */
  public boolean scoresAs(CoreOptions other) {
    boolean isSame =
        method != Method.DENSE
            && other.method != Method.DENSE
            && usesPrior() == other.usesPrior()
            && rule.equals(other.rule)
            && alpha == other.alpha
            && Objects.equals(layers, other.layers)
            && Objects.equals(calibration, other.calibration)
            && upkeep.compensates() == other.upkeep.compensates();
    return isSame && (!upkeep.compensates() || keep == other.keep); // which decides how
  }

  /** Whether the calibration's clusters count beside the prompt. */
  boolean usesPrior() {
    return method == Method.SIMILARITY || method == Method.AUTO;
  }

  /** Whether a layer is decoded with its core neurons only. */
  public boolean isSparse(int layer) {
    return method != Method.DENSE
        && (layers == null || (layers.first() <= layer && layer <= layers.last()));
  }

  /** Whether the layers share {@code keep} as the calibration says. */
  boolean sharesKeep() {
    return calibration != null && layers == null && keep < 1;
  }

  /** The most neurons of a layer that decoding computes: all of a layer that stays dense. */
  public int mostChosen(int layer, ModelConfig config) {
    if (!isSparse(layer)) {
      return config.neurons();
    }
    double share = calibration != null && sharesKeep() ? calibration.share(layer, keep) : keep;
    return Rules.of(rule, alpha).count(share, config.neurons());
  }
}
