package org.coreinfer.grammar;

import org.coreinfer.grammar.Expression.Rule;

/** A grammar over the tokens of one model. Safe for use by many threads, one after another. */
final class TokenGrammar {
  private final TokenTrie trie;
  private final Automaton automaton;
  private final TokenMasks masks;

  /**
   * @throws IllegalArgumentException if the tokens cannot spell any text of the grammar
   */
  TokenGrammar(Rule root, TokenTrie trie) {
    this.trie = trie;
    // Every byte that is allowed can then be spelled, so that some token may always come next.
    Network network = new Network(root, trie.singleBytes());
    if (!network.hasText()) {
      throw new IllegalArgumentException(
          "this model's tokens can't spell any text of this form: it lacks tokens of single bytes");
    }
    this.automaton = new Automaton(network);
    this.masks = new TokenMasks(network, automaton, trie);
  }

  /** Before the first token. */
  synchronized State start() {
    return automaton.start();
  }

  /** Bits of the tokens that may come next; not to be changed. */
  synchronized long[] mask(State state) {
    return masks.mask(state);
  }

  /** The state after a token; {@link State#DEAD} if it may not come next. */
  synchronized State next(State state, int token) {
    if (trie.isEnd(token)) {
      return state.mayEnd() ? State.ENDED : State.DEAD;
    }
    byte[] bytes = trie.bytes(token);
    return bytes.length == 0 ? State.DEAD : automaton.next(state, bytes);
  }
}
