package org.coreinfer.grammar;

import java.nio.FloatBuffer;
import org.coreinfer.sampling.TokenConstraint;

/** Keeps one answer within a grammar. */
final class GrammarConstraint implements TokenConstraint {
  private final TokenGrammar grammar;
  private State state;
  private State marked;

  GrammarConstraint(TokenGrammar grammar) {
    this.grammar = grammar;
    this.state = grammar.start();
    this.marked = state;
  }

  @Override
  public void mask(FloatBuffer logits) {
    long[] mask = grammar.mask(state);
    int from = logits.position();
    int count = logits.remaining();
    for (int word = 0; word << 6 < count; word++) {
      long bits = word < mask.length ? mask[word] : 0;
      int first = from + (word << 6);
      int many = Math.min(Long.SIZE, count - (word << 6));
      for (int i = 0; bits != -1 && i < many; i++) {
        if ((bits >>> i & 1) == 0) {
          logits.put(first + i, Float.NEGATIVE_INFINITY);
        }
      }
    }
  }

  @Override
  public void accept(int token) {
    State next = grammar.next(state, token);
    if (next == State.DEAD) {
      throw new IllegalArgumentException(
          "the token " + token + " may not come next in the constrained answer");
    }
    state = next;
  }

  @Override
  public boolean isComplete() {
    return state.mayEnd() && !state.mayGoOn();
  }

  @Override
  public void mark() {
    marked = state;
  }

  @Override
  public void rewind() {
    state = marked;
  }
}
