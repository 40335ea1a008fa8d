package org.coreinfer.core;

import org.jspecify.annotations.Nullable;

/**
 * How neurons are chosen.
 *
 * @param method dense, or the prompt's own core neurons
 * @param rule a name of {@link Rules}
 * @param alpha share of a token's activations that count, in (0, 1]; for the counting rules
 * @param keep fraction of a layer's neurons that decoding computes, in (0, 1]
 * @param layers layers that are decoded sparsely; null for all
 */
public record CoreOptions(
    Method method, String rule, double alpha, double keep, @Nullable LayerRange layers) {

  /** Where core neurons come from. */
  public enum Method {
    /** Every neuron is computed. */
    DENSE,
    /** The prompt's own core neurons (the paper's stability-guided prediction). */
    STABILITY
  }

  /** Layers {@code first} to {@code last}, counted from 0, both included. */
  public record LayerRange(int first, int last) {
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

  public CoreOptions {
    Rules.of(rule, alpha);
    if (!(keep > 0 && keep <= 1)) {
      throw new IllegalArgumentException("keep=" + keep + ": expected above 0, at most 1");
    }
  }

  /** Every neuron. */
  public static CoreOptions dense() {
    return new CoreOptions(Method.DENSE, DEFAULT_RULE, DEFAULT_ALPHA, 1, null);
  }

  /** The prompt's own core neurons with the default rule. */
  public static CoreOptions stability(double keep) {
    return new CoreOptions(Method.STABILITY, DEFAULT_RULE, DEFAULT_ALPHA, keep, null);
  }

  public static final String DEFAULT_RULE = Rules.NORM;
  public static final double DEFAULT_ALPHA = 0.4;
  public static final double DEFAULT_KEEP = 0.6;

  public CoreOptions withRule(String name) {
    return new CoreOptions(method, name, alpha, keep, layers);
  }

  public CoreOptions withAlpha(double share) {
    return new CoreOptions(method, rule, share, keep, layers);
  }

  public CoreOptions withLayers(LayerRange range) {
    return new CoreOptions(method, rule, alpha, keep, range);
  }

  /**
   * Checks the layer range against a model.
   *
   * @throws IllegalArgumentException if the model has no such layers
   */
  public void requireLayers(int count) {
    if (layers != null && layers.last() >= count) {
      throw new IllegalArgumentException(
          "layers %s: the model has layers 0..%d".formatted(layers, count - 1));
    }
  }

  /** Whether a layer is decoded with its core neurons only. */
  public boolean isSparse(int layer) {
    return method != Method.DENSE
        && (layers == null || (layers.first() <= layer && layer <= layers.last()));
  }
}
