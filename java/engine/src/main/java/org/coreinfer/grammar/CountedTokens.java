package org.coreinfer.grammar;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tokens that go on with a character which is repeated, from a place within it, by how many
 * further characters they begin: known once, they serve every count. Immutable, but for what is
 * remembered; for one thread at a time.
 */
final class CountedTokens {
  /** Takes the nodes of the trie that follow a whole character. */
  interface Exit {
    /**
     * Takes one of them.
     *
     * @param child the node after the character; its byte cannot begin another one
     * @param whole how many characters ended, the first one, which the place is in, among them
     */
    void accept(int child, int whole);
  }

  /** A node of the trie, and how many characters ended before its last byte. */
  private record Exiting(int child, int whole) {}

  private final Automaton automaton;
  private final TokenTrie trie;
  private final long[] all; // bits of the tokens
  private final List<List<Integer>> byFurther = new ArrayList<>(); // nodes where tokens end
  private final List<List<Exiting>> exits = new ArrayList<>(); // by the byte that follows
  private @Nullable ByteSet firstBytes;

  /**
   * @param start the place, where the character is repeated without end
   */
  CountedTokens(Automaton automaton, TrieWalk walk, TokenTrie trie, State start, int words) {
    this.automaton = automaton;
    this.trie = trie;
    this.all = new long[words];
    for (int value = 0; value < 256; value++) {
      exits.add(List.of());
    }
    int[] wholes = new int[trie.mostDepth() + 1]; // characters that ended, by depth
    walk.below(
        0,
        start,
        (node, next) -> {
          int depth = trie.depth(node);
          int whole = wholes[depth - 1] + (next.mayEnd() ? 1 : 0);
          wholes[depth] = whole;
          if (trie.endsToken(node)) {
            add(node, next.mayEnd() ? whole - 1 : whole);
          }
          if (next.mayEnd()) {
            addExits(node, next, whole);
          }
        });
  }

  private void add(int node, int further) {
    trie.addTokens(node, all);
    while (byFurther.size() <= further) {
      byFurther.add(new ArrayList<>());
    }
    byFurther.get(further).add(node);
  }

  private void addExits(int node, State state, int whole) {
    int child = node + 1;
    while (child < trie.end(node)) {
      int value = trie.value(child);
      if (automaton.next(state, value) == State.DEAD) {
        addExit(value, new Exiting(child, whole));
      }
      child = trie.end(child);
    }
  }

  private void addExit(int value, Exiting exit) {
    if (exits.get(value).isEmpty()) {
      exits.set(value, new ArrayList<>());
    }
    exits.get(value).add(exit);
  }

  /** The bytes with which the character can begin. */
  ByteSet firstBytes(Network network, int repeat) {
    ByteSet known = firstBytes;
    if (known == null) {
      known = automaton.withinFree(network.callee(repeat), repeat).firstBytes(network);
      firstBytes = known;
    }
    return known;
  }

  /** Sets the bits of the tokens that begin at most so many further characters. */
  void addWithin(int further, long[] mask) {
    if (further >= byFurther.size() - 1) {
      for (int i = 0; i < mask.length; i++) {
        mask[i] |= all[i];
      }
      return;
    }
    for (int i = 0; i <= further; i++) {
      for (int node : byFurther.get(i)) {
        trie.addTokens(node, mask);
      }
    }
  }

  /** The places where a byte of {@code following} comes after a whole character. */
  void forEachExit(ByteSet following, Exit visitor) {
    for (int value = 0; value < exits.size(); value++) {
      if (following.contains(value)) {
        for (Exiting exit : exits.get(value)) {
          visitor.accept(exit.child, exit.whole);
        }
      }
    }
  }
}
