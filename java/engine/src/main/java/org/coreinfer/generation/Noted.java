package org.coreinfer.generation;

import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores.Snapshot;
import org.coreinfer.core.ScoreHistory;
import org.coreinfer.core.ScoreHistory.Point;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a sequence's tokens beside their keys and values.
 *
 * @param options with which they were read and decoded
 * @param tokens how many there are
 * @param promptEnd as {@link Sequence#promptEnd}
 * @param scoredEnd no token from there on was scored
 * @param end scores of all tokens; null if they are unknown, or there are none
 * @param history earlier scores; null for none
 */
record Noted(
    CoreOptions options,
    int tokens,
    int promptEnd,
    int scoredEnd,
    @Nullable Snapshot end,
    @Nullable ScoreHistory history) {

  /**
   * The last token at or before {@code most} after which a prompt can go on with some options:
   * anywhere where neurons aren't chosen, else where scores are known. With other options answers
   * are another's, and only what was read as a prompt is used, up to a multiple of {@link
   * Sequence#GRAIN}.
   */
  int usable(int most, CoreOptions asked) {
    boolean isSame = options.equals(asked);
    int limit = Math.min(most, isSame ? tokens : Math.min(tokens, promptEnd));
    if (asked.method() == CoreOptions.Method.DENSE) {
      return isSame ? limit : limit / Sequence.GRAIN * Sequence.GRAIN;
    }
    if (!isSame && !options.scoresAs(asked)) {
      return 0;
    }
    if (isEnd(limit, asked)) {
      return limit;
    }
    Point point = history == null ? null : history.floor(limit);
    return point == null ? 0 : point.position();
  }

  /** Scores after that many tokens, which {@link #usable} gave; null if neurons aren't chosen. */
  @Nullable Snapshot scores(int usable, CoreOptions asked) {
    if (isEnd(usable, asked)) {
      return end;
    }
    Point point = history == null ? null : history.floor(usable);
    return point == null || point.position() != usable ? null : point.snapshot();
  }

  /** Whether all that was scored is before a token. */
  boolean isEnd(int token, CoreOptions asked) {
    return end != null && options.equals(asked) && token >= Math.min(scoredEnd, tokens);
  }
}
