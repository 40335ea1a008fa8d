package org.coreinfer.sampling;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.coreinfer.error.CoreInferException;

/**
 * Draws tokens. In this order: repetition penalty, temperature, top-k, top-p, min-p; then one draw
 * among what is left. Of equal logits the lower token comes first. For one sequence and one thread.
 */
public final class Sampler {
  private final SamplingOptions options;
  private final SplittableRandom random;
  private final int[] recent;
  private long seen;
  private float[] logits = {};
  private long[] order = {};
  private double[] weights = {};

  public Sampler(SamplingOptions options) {
    this.options = options;
    this.random = new SplittableRandom(options.seed());
    this.recent = new int[options.repeatPenalty() == 1 ? 0 : options.repeatWindow()];
  }

  /** Remembers a token of the prompt or of the answer for the repetition penalty. */
  public void accept(int token) {
    if (recent.length > 0) {
      recent[(int) (seen % recent.length)] = token;
      seen++;
    }
  }

  /**
   * The next token.
   *
   * @param source (vocabulary) logits; not changed
   */
  public int sample(FloatBuffer source) {
    int count = source.limit();
    if (logits.length != count) {
      logits = new float[count];
    }
    source.get(0, logits);
    penalize();
    if (options.temperature() == 0 || options.topK() == 1) {
      return best();
    }
    return draw();
  }

  private void penalize() {
    int known = (int) Math.min(seen, recent.length);
    float penalty = (float) options.repeatPenalty();
    for (int i = 0; i < known; i++) {
      int token = recent[i];
      if (isFirst(token, i)) {
        float logit = logits[token];
        logits[token] = logit > 0 ? logit / penalty : logit * penalty;
      }
    }
  }

  private boolean isFirst(int token, int index) {
    for (int i = 0; i < index; i++) {
      if (recent[i] == token) {
        return false;
      }
    }
    return true;
  }

  private int best() {
    int best = -1;
    for (int i = 0; i < logits.length; i++) {
      if (best < 0 ? !Float.isNaN(logits[i]) : logits[i] > logits[best]) {
        best = i;
      }
    }
    return usable(best);
  }

  private static int usable(int token) {
    if (token < 0) {
      throw new CoreInferException(
          "every logit is NaN: the model's weights are broken, or overflow in this dtype");
    }
    return token;
  }

  private int draw() {
    int best = best();
    if (Float.isInfinite(logits[best])) {
      return best;
    }
    double scale = 1 / options.temperature();
    double highest = logits[best];
    int count = candidates(highest, scale);
    count = options.topK() > 0 ? Math.min(count, options.topK()) : count;
    double total = 0;
    for (int i = 0; i < count; i++) {
      weights[i] = Math.exp((logits[token(i)] - highest) * scale);
      total += weights[i];
    }
    count = nucleus(count, total);
    double left = 0;
    for (int i = 0; i < count; i++) {
      left += weights[i];
    }
    double point = random.nextDouble() * left;
    for (int i = 0; i < count - 1; i++) {
      point -= weights[i];
      if (point < 0) {
        return token(i);
      }
    }
    return token(count - 1);
  }

  /**
   * Fills {@link #order} with tokens by falling logit; those that can't be drawn at double
   * precision are left out.
   */
  private int candidates(double highest, double scale) {
    if (order.length != logits.length) {
      order = new long[logits.length];
      weights = new double[logits.length];
    }
    int count = 0;
    for (int i = 0; i < logits.length; i++) {
      if ((logits[i] - highest) * scale > -700) {
        order[count++] = ((long) ~ascending(logits[i]) << 32) | i;
      }
    }
    Arrays.sort(order, 0, count);
    return count;
  }

  /** An int that orders as the float does. */
  private static int ascending(float value) {
    int bits = Float.floatToIntBits(value);
    return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
  }

  private int token(int rank) {
    return (int) order[rank];
  }

  private int nucleus(int count, double total) {
    int kept = count;
    if (options.topP() < 1) {
      double sum = 0;
      for (kept = 0; kept < count && sum < options.topP() * total; kept++) {
        sum += weights[kept];
      }
    }
    while (kept > 1 && weights[kept - 1] < options.minP() * weights[0]) {
      kept--;
    }
    return Math.max(kept, 1);
  }
}
