package org.coreinfer.sampling;

import java.nio.FloatBuffer;
import org.coreinfer.error.CoreInferException;

/**
 * The tokens that may follow, by falling logit, with the weights that temperature, top-k, top-p and
 * min-p leave them. Only as many are put in order as a draw looks at. One object serves any number
 * of logits, one after another.
 */
final class Candidates {
  private final SamplingOptions options;
  private final TokenConstraint constraint;
  private final AnswerTokens answer;
  private float[] logits = {};
  private final RankedTokens ranked = new RankedTokens();
  private double highest;
  private double scale;
  private double[] weights = {};
  private int weighed; // weights that are known
  private int count;
  private double total; // of the weights

  Candidates(SamplingOptions options, TokenConstraint constraint) {
    this.options = options;
    this.constraint = constraint;
    this.answer = new AnswerTokens(options.adjustments());
  }

  /** Takes the next token of the answer. */
  void accept(int token) {
    constraint.accept(token);
    answer.accept(token);
  }

  /** Keeps what was accepted so far for {@link #rewind}. */
  void mark() {
    constraint.mark();
    answer.mark();
  }

  /** Forgets what was accepted since the latest {@link #mark}. */
  void rewind() {
    constraint.rewind();
    answer.rewind();
  }

  /**
   * Takes logits, with what is added to them, the penalties and the constraint.
   *
   * @param source (vocabulary); not changed
   */
  void take(FloatBuffer source, RecentTokens recent) {
    int vocabulary = source.limit();
    if (logits.length != vocabulary) {
      logits = new float[vocabulary];
    }
    source.get(0, logits);
    options.adjustments().bias().forEach((token, bias) -> logits[token] += bias.floatValue());
    float penalty = (float) options.repeatPenalty();
    for (int i = 0; i < recent.count(); i++) {
      if (recent.isFirst(i)) {
        int token = recent.token(i);
        float logit = logits[token];
        logits[token] = logit > 0 ? logit / penalty : logit * penalty;
      }
    }
    answer.penalize(logits);
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
    usable(best);
    if (logits[best] == Float.NEGATIVE_INFINITY && constraint != Unconstrained.INSTANCE) {
      throw new CoreInferException(
          "the model gives no probability to any token that the answer's constraint allows");
    }
    return best;
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
      point -= weight(i);
      if (point < 0) {
        return ranked.token(i);
      }
    }
    return ranked.token(count - 1);
  }

  /** What {@link #draw} draws from. */
  Distribution distribution() {
    filter();
    ranked.sort(count);
    int[] tokens = new int[count];
    double[] probabilities = new double[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = ranked.token(i);
      probabilities[i] = weight(i) / total;
    }
    return new Distribution(tokens, probabilities);
  }

  private void filter() {
    int best = best();
    if (weights.length < logits.length) {
      weights = new double[logits.length];
    }
    weighed = 0;
    highest = logits[best];
    if (Double.isInfinite(highest)) {
      ranked.takeOnly(best);
      weights[0] = 1;
      weighed = 1;
      count = 1;
      total = 1;
      return;
    }
    scale = 1 / (double) (float) options.temperature(); // what devices are given
    ranked.take(logits, highest, scale);
    int limit = options.topK() > 0 ? Math.min(ranked.size(), options.topK()) : ranked.size();
    boolean isCut = options.topP() < 1 || options.minP() > 0;
    if (isCut || limit < ranked.size()) {
      cut(limit);
    } else {
      count = limit;
      total = sum();
    }
  }

  /** Finds out how many of the first tokens are left, and their weight. */
  private void cut(int limit) {
    double enough = Double.POSITIVE_INFINITY;
    if (options.topP() < 1) {
      enough = (float) options.topP() * (limit < ranked.size() ? sum(limit) : sum());
    }
    double least = (float) options.minP();
    total = 0;
    for (count = 0; count < limit && total < enough; count++) {
      double weight = weight(count);
      if (count > 0 && weight < least) {
        return;
      }
      total += weight;
    }
  }

  /** The weight of the first tokens, added in their order. */
  private double sum(int limit) {
    ranked.sort(limit);
    double sum = 0;
    for (int i = 0; i < limit; i++) {
      sum += weight(i);
    }
    return sum;
  }

  /** The weight of all tokens that can be drawn, added in the vocabulary's order. */
  private double sum() {
    double sum = 0;
    for (float logit : logits) {
      double exponent = (logit - highest) * scale;
      if (exponent > RankedTokens.LEAST_EXPONENT) {
        sum += Math.exp(exponent);
      }
    }
    return sum;
  }

  /** The weight of the token at a rank; 1 for the most likely one. */
  private double weight(int rank) {
    for (; weighed <= rank; weighed++) {
      weights[weighed] = Math.exp((logits[ranked.token(weighed)] - highest) * scale);
    }
    return weights[rank];
  }
}
