package org.coreinfer.sampling;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.model.Logits;

/** Draws tokens from logits that Java can read. */
final class HostSampler implements Sampler {
  private final SamplingOptions options;
  private final SplittableRandom random;
  private final RecentTokens recent;
  private float[] logits = {};
  private long[] order = {};
  private double[] weights = {};

  HostSampler(SamplingOptions options) {
    this.options = options;
    this.random = new SplittableRandom(options.seed());
    this.recent = new RecentTokens(options);
  }

  @Override
  public void accept(int token) {
    recent.accept(token);
  }

  @Override
  public int sample(Logits source) {
    return sample(source.read());
  }

  /**
   * The next token.
   *
   * @param source (vocabulary) logits; not changed
   */
  int sample(FloatBuffer source) {
    int count = source.limit();
    if (logits.length != count) {
      logits = new float[count];
    }
    source.get(0, logits);
    penalize();
    return options.isGreedy() ? best() : draw();
  }

  private void penalize() {
    float penalty = (float) options.repeatPenalty();
    for (int i = 0; i < recent.count(); i++) {
      if (recent.isFirst(i)) {
        int token = recent.token(i);
        float logit = logits[token];
        logits[token] = logit > 0 ? logit / penalty : logit * penalty;
      }
    }
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

  /** Refuses what stands for no token. */
  static int usable(int token) {
    if (token < 0) {
      throw new CoreInferException(
          "every logit is NaN: the model's weights are broken, or overflow in this dtype");
    }
    return token;
  }

  private int draw() {
    double uniform = random.nextDouble(); // one for each draw, needed or not: devices do the same
    int best = best();
    if (Float.isInfinite(logits[best])) {
      return best;
    }
    double scale = 1 / (double) (float) options.temperature(); // what devices are given
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
    double point = uniform * left;
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
      double enough = (float) options.topP() * total;
      for (kept = 0; kept < count && sum < enough; kept++) {
        sum += weights[kept];
      }
    }
    while (kept > 1 && weights[kept - 1] < (float) options.minP() * weights[0]) {
      kept--;
    }
    return Math.max(kept, 1);
  }
}
