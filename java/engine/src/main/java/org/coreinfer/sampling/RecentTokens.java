package org.coreinfer.sampling;

/** The latest tokens of a text, up to a limit, in no order. */
final class RecentTokens {
  private final int[] tokens;
  private long seen;

  /** Remembers as many tokens as the penalty looks at; none if there is no penalty. */
  RecentTokens(SamplingOptions options) {
    this.tokens = new int[options.repeatPenalty() == 1 ? 0 : options.repeatWindow()];
  }

  void accept(int token) {
    if (tokens.length > 0) {
      tokens[(int) (seen % tokens.length)] = token;
      seen++;
    }
  }

  /** The most tokens that are remembered. */
  int limit() {
    return tokens.length;
  }

  int count() {
    return (int) Math.min(seen, tokens.length);
  }

  int token(int index) {
    return tokens[index];
  }

  /** Whether no token before {@code index} is the same. */
  boolean isFirst(int index) {
    for (int i = 0; i < index; i++) {
      if (tokens[i] == tokens[index]) {
        return false;
      }
    }
    return true;
  }
}
