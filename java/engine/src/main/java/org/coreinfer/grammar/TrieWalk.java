package org.coreinfer.grammar;

/** Walks through the tokens that may follow a state. For one thread at a time. */
final class TrieWalk {
  /** Hears of nodes in their order. */
  interface Visitor {
    /** The state after a node's bytes, which is not dead. */
    void visit(int node, State next);
  }

  private final Automaton automaton;
  private final TokenTrie trie;
  private final State[] path; // states after each byte of a token

  TrieWalk(Automaton automaton, TokenTrie trie) {
    this.automaton = automaton;
    this.trie = trie;
    this.path = new State[trie.mostDepth() + 1];
  }

  /** Visits the nodes below one whose bytes lead to {@code start}. */
  void below(int top, State start, Visitor visitor) {
    if (!start.mayGoOn()) {
      return;
    }
    path[trie.depth(top)] = start;
    int end = trie.end(top);
    int node = top + 1;
    while (node < end) {
      int depth = trie.depth(node);
      State next = automaton.next(path[depth - 1], trie.value(node));
      if (next != State.DEAD) {
        path[depth] = next;
        visitor.visit(node, next);
      }
      node = next.mayGoOn() ? node + 1 : trie.end(node);
    }
  }
}
