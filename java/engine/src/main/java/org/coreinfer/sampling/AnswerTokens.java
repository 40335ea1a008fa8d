package org.coreinfer.sampling;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How often an answer has each of its tokens, and what that takes from logits. */
final class AnswerTokens {
  private final Adjustments adjustments;
  private final List<Integer> tokens = new ArrayList<>();
  private final Map<Integer, Integer> counts = new HashMap<>();
  private int marked;

  AnswerTokens(Adjustments adjustments) {
    this.adjustments = adjustments;
  }

  void accept(int token) {
    if (adjustments.looksAtAnswer()) {
      tokens.add(token);
      counts.merge(token, 1, Integer::sum);
    }
  }

  /** Keeps the present state for {@link #rewind}. */
  void mark() {
    marked = tokens.size();
  }

  /** Goes back to the state of the latest {@link #mark}. */
  void rewind() {
    while (tokens.size() > marked) {
      int last = tokens.remove(tokens.size() - 1);
      counts.computeIfPresent(last, (token, count) -> count == 1 ? null : count - 1);
    }
  }

  /** Takes the penalties from logits (vocabulary). */
  void penalize(float[] logits) {
    counts.forEach(
        (token, count) ->
            logits[token] -=
                (float) (count * adjustments.frequencyPenalty() + adjustments.presencePenalty()));
  }
}
