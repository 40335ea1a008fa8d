package org.coreinfer.sampling;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.coreinfer.error.CoreInferException;

/**
 * The tokens that may follow, by falling logit, with the weights that temperature, top-k, top-p and
 * min-p leave them. One object serves any number of logits, one after another.
 */
final class Candidates {
  private final SamplingOptions options;
  private final TokenConstraint constraint;
  private float[] logits = {};
  private long[] order = {};
  private double[] weights = {};
  private int count;
  private double total; // of the weights

  Candidates(SamplingOptions options, TokenConstraint constraint) {
    this.options = options;
    this.constraint = constraint;
  }

  /**
   * Takes logits, with the repetition penalty and the constraint.
   *
   * @param source (vocabulary); not changed
   */
  void take(FloatBuffer source, RecentTokens recent) {
    int vocabulary = source.limit();
    if (logits.length != vocabulary) {
      logits = new float[vocabulary];
    }
    source.get(0, logits);
    float penalty = (float) options.repeatPenalty();
    for (int i = 0; i < recent.count(); i++) {
      if (recent.isFirst(i)) {
        int token = recent.token(i);
        float logit = logits[token];
        logits[token] = logit > 0 ? logit / penalty : logit * penalty;
      }
    }
    constraint.mask(FloatBuffer.wrap(logits));
  }

  /** The most likely token. */
  int best() {
    int best = -1;
    for (int i = 0; i < logits.length; i++) {
      if (best < 0 ? !Float.isNaN(logits[i]) : logits[i] > logits[best]) {
        best = i;
      }
    }
    return usable(best);
  }

  /** Refuses what stands for no token. */
  static int usable(int token) {
    if (token < 0) {
      throw new CoreInferException(
          "every logit is NaN: the model's weights are broken, or overflow in this dtype");
    }
    return token;
  }

  /**
   * The token at a point of the distribution.
   *
   * @param uniform in [0, 1)
   */
  int draw(double uniform) {
    filter();
    double point = uniform * total;
    for (int i = 0; i < count - 1; i++) {
      point -= weights[i];
      if (point < 0) {
        return token(i);
      }
    }
    return token(count - 1);
  }

  /** What {@link #draw} draws from. */
  Distribution distribution() {
    filter();
    int[] tokens = new int[count];
    double[] probabilities = new double[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = token(i);
      probabilities[i] = weights[i] / total;
    }
    return new Distribution(tokens, probabilities);
  }

  private void filter() {
    int best = best();
    if (order.length != logits.length) {
      order = new long[logits.length];
      weights = new double[logits.length];
    }
    if (Float.isInfinite(logits[best])) {
      order[0] = best;
      weights[0] = 1;
      count = 1;
      total = 1;
      return;
    }
    double scale = 1 / (double) (float) options.temperature(); // what devices are given
    double highest = logits[best];
    count = rank(highest, scale);
    count = options.topK() > 0 ? Math.min(count, options.topK()) : count;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      weights[i] = Math.exp((logits[token(i)] - highest) * scale);
      sum += weights[i];
    }
    count = nucleus(count, sum);
    total = 0;
    for (int i = 0; i < count; i++) {
      total += weights[i];
    }
  }

  /**
   * Fills {@link #order} with tokens by falling logit; those that can't be drawn at double
   * precision are left out.
   */
  private int rank(double highest, double scale) {
    int ranked = 0;
    for (int i = 0; i < logits.length; i++) {
      if ((logits[i] - highest) * scale > -700) {
        order[ranked++] = ((long) ~ascending(logits[i]) << 32) | i;
      }
    }
    Arrays.sort(order, 0, ranked);
    return ranked;
  }

  /** An int that orders as the float does. */
  private static int ascending(float value) {
    int bits = Float.floatToIntBits(value);
    return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
  }

  private int token(int rank) {
    return (int) order[rank];
  }

  private int nucleus(int ranked, double sum) {
    int kept = ranked;
    if (options.topP() < 1) {
      double seen = 0;
      double enough = (float) options.topP() * sum;
      for (kept = 0; kept < ranked && seen < enough; kept++) {
        seen += weights[kept];
      }
    }
    while (kept > 1 && weights[kept - 1] < (float) options.minP() * weights[0]) {
      kept--;
    }
    return Math.max(kept, 1);
  }
}
