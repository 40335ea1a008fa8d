package org.coreinfer.sampling;

/** The latest tokens of a text, up to a limit, in no order. */
final class RecentTokens {
  private final int[] tokens;
  private final int[] marked;
  private long seen;
  private long markedSeen;

  /** Remembers as many tokens as the penalty looks at; none if there is no penalty. */
  RecentTokens(SamplingOptions options) {
    this.tokens = new int[options.repeatPenalty() == 1 ? 0 : options.repeatWindow()];
    this.marked = tokens.clone();
  }

  /** Keeps the present state for {@link #rewind}. */
  void mark() {
    System.arraycopy(tokens, 0, marked, 0, tokens.length);
    markedSeen = seen;
  }

  /** Goes back to the state of the latest {@link #mark}. */
  void rewind() {
    System.arraycopy(marked, 0, tokens, 0, tokens.length);
    seen = markedSeen;
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
