package org.coreinfer.sampling;

import java.util.HashMap;
import java.util.Map;

/**
 * What a token is drawn from: tokens with their probabilities, which sum to 1 but for rounding. All
 * other tokens have probability 0. Immutable.
 */
final class Distribution {
  private final int[] tokens;
  private final double[] probabilities;

  /**
   * @param tokens each one once, at least one; neither array is copied
   */
  Distribution(int[] tokens, double[] probabilities) {
    this.tokens = tokens;
    this.probabilities = probabilities;
  }

  double probability(int token) {
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] == token) {
        return probabilities[i];
      }
    }
    return 0;
  }

  /**
   * The token at a point of the distribution.
   *
   * @param uniform in [0, 1)
   */
  int draw(double uniform) {
    double point = uniform;
    for (int i = 0; i < tokens.length - 1; i++) {
      point -= probabilities[i];
      if (point < 0) {
        return tokens[i];
      }
    }
    return tokens[tokens.length - 1];
  }

  /**
   * A token from this distribution, given one from another: speculative sampling (arXiv 2211.17192,
   * 2302.01318). If {@code draft} was drawn from {@code other}, the result is distributed as this
   * one, and it is the draft as often as that permits. It is the draft exactly when that was
   * accepted.
   *
   * @param accept in [0, 1), uniform, as is {@code replace}; independent of the draft
   */
  int correct(int draft, Distribution other, double accept, double replace) {
    return accept * other.probability(draft) < probability(draft)
        ? draft
        : drawBeyond(other, replace);
  }

  /** Draws from max(0, this - other), scaled to sum to 1. */
  private int drawBeyond(Distribution other, double uniform) {
    Map<Integer, Double> theirs = new HashMap<>();
    for (int i = 0; i < other.tokens.length; i++) {
      theirs.put(other.tokens[i], other.probabilities[i]);
    }
    double[] rest = new double[tokens.length];
    double total = 0;
    int last = 0;
    for (int i = 0; i < tokens.length; i++) {
      rest[i] = Math.max(0, probabilities[i] - theirs.getOrDefault(tokens[i], 0.0));
      total += rest[i];
      last = rest[i] > 0 ? i : last;
    }
    double point = uniform * total;
    for (int i = 0; i < last; i++) {
      point -= rest[i];
      if (point < 0) {
        return tokens[i];
      }
    }
    return tokens[last];
  }
}
