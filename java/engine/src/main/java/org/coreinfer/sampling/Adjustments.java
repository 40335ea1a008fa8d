package org.coreinfer.sampling;

import java.io.Serializable;
import java.util.Map;

/**
 * What is added to logits before tokens are drawn, as OpenAI's API has it. Immutable.
 *
 * @param frequencyPenalty taken from a token's logit as often as the answer has the token; -2 to 2
 * @param presencePenalty taken once from the logits of tokens that the answer has; -2 to 2
 * @param bias what is added to the logits of some tokens; -100 to 100
 */
public record Adjustments(
    double frequencyPenalty, double presencePenalty, Map<Integer, Double> bias)
    implements Serializable {
  /** Nothing is added. */
  public static final Adjustments NONE = new Adjustments(0, 0, Map.of());

  private static final double MOST_PENALTY = 2;
  private static final double MOST_BIAS = 100;

  public Adjustments {
    require(frequencyPenalty, MOST_PENALTY, "frequency penalty");
    require(presencePenalty, MOST_PENALTY, "presence penalty");
    bias = Map.copyOf(bias);
    bias.forEach(
        (token, value) -> {
          if (token < 0) {
            throw new IllegalArgumentException(
                "logit bias of token=" + token + ": expected 0 or more");
          }
          require(value, MOST_BIAS, "logit bias of token " + token);
        });
  }

  private static void require(double value, double most, String name) {
    if (!(Math.abs(value) <= most)) { // nor NaN
      throw new IllegalArgumentException(
          "%s=%s: expected %.0f to %.0f".formatted(name, value, -most, most));
    }
  }

  /** Whether the answer's tokens matter. */
  boolean looksAtAnswer() {
    return frequencyPenalty != 0 || presencePenalty != 0;
  }

  /** Whether nothing is added. */
  public boolean isNone() {
    return !looksAtAnswer() && bias.isEmpty();
  }

  /**
   * Checks the tokens against a model.
   *
   * @throws IllegalArgumentException if it has no such token
   */
  public void requireSuits(int vocabulary) {
    for (int token : bias.keySet()) {
      if (token >= vocabulary) {
        throw new IllegalArgumentException(
            "logit bias: token %d is outside of the vocabulary of %d".formatted(token, vocabulary));
      }
    }
  }
}
