package org.coreinfer.evaluation;

import java.nio.FloatBuffer;
import java.util.Comparator;
import java.util.PriorityQueue;
import org.coreinfer.error.CoreInferException;

/** The probabilities of the next token, in double precision. */
public final class Prediction {
  private final float[] logits;
  private double logOfSum;
  private int best;

  public Prediction(int vocabulary) {
    logits = new float[vocabulary];
  }

  /** Takes a copy of {@code source} (vocabulary). */
  public void read(FloatBuffer source) {
    source.get(source.position(), logits);
    best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - logits[best]);
    }
    logOfSum = logits[best] + Math.log(sum);
    if (Double.isNaN(logOfSum)) {
      throw new CoreInferException(
          "a logit is NaN: the model's weights are broken, or overflow in this dtype");
    }
  }

  /** The most likely token; of equals the lower. */
  public int best() {
    return best;
  }

  /** The {@code count} most likely tokens, the likeliest first; of equals the lower. */
  public int[] likeliest(int count) {
    // The root is the one that the next likelier token replaces.
    PriorityQueue<Integer> found = new PriorityQueue<>(likelierFirst().reversed());
    for (int token = 0; token < logits.length && count > 0; token++) {
      if (found.size() < count) {
        found.add(token);
      } else if (logits[token] > logits[found.element()]) {
        found.remove();
        found.add(token);
      }
    }
    return found.stream().sorted(likelierFirst()).mapToInt(Integer::intValue).toArray();
  }

  private Comparator<Integer> likelierFirst() {
    return Comparator.<Integer>comparingDouble(token -> -logits[token])
        .thenComparing(Comparator.naturalOrder());
  }

  public double logProbability(int token) {
    return logits[token] - logOfSum;
  }

  /** KL(this || other), in nats. */
  public double divergenceOf(Prediction other) {
    double divergence = 0;
    for (int token = 0; token < logits.length; token++) {
      double log = logProbability(token);
      double probability = Math.exp(log);
      if (probability > 0) {
        divergence += probability * (log - other.logProbability(token));
      }
    }
    return divergence;
  }

  /**
   * The probability that a token drafted with one of both is accepted when the other verifies it:
   * what both have in common.
   */
  public double commonWith(Prediction other) {
    double common = 0;
    for (int token = 0; token < logits.length; token++) {
      common += Math.exp(Math.min(logProbability(token), other.logProbability(token)));
    }
    return Math.min(1, common);
  }
}
