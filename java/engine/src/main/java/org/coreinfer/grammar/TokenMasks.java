package org.coreinfer.grammar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which tokens may come next in each state of a grammar. For one thread at a time.
 *
 * <p>Most tokens stay within the rule that a state is in, such as the inside of a string; whether
 * they may come depends on the place in that rule alone, so that is found out once for each place,
 * by walking through the whole vocabulary. What is left for each state are the tokens that go on
 * after the rule has returned. Where characters are counted {@link CountedTokens} do the same for
 * all counts at once.
 */
final class TokenMasks {
  private static final long MOST_BYTES = 16 << 20; // that are remembered

  /**
   * What is known of a place in a rule.
   *
   * @param tokens bits of those that stay within the rule, or end with it
   * @param exits nodes of the trie with whose bytes the rule can return
   */
  private record Place(long[] tokens, int[] exits) {}

  private final Network network;
  private final Automaton automaton;
  private final TokenTrie trie;
  private final TrieWalk walk;
  private final int words;
  private final Map<Integer, Place> places = new HashMap<>();
  private final Map<Integer, CountedTokens> counted = new HashMap<>();
  private final IdentityHashMap<State, long[]> masks = new IdentityHashMap<>();

  TokenMasks(Network network, Automaton automaton, TokenTrie trie) {
    this.network = network;
    this.automaton = automaton;
    this.trie = trie;
    this.walk = new TrieWalk(automaton, trie);
    this.words = (trie.vocabulary() + 63) / 64;
  }

  /** Bits of the tokens that may come next, end tokens among them; not to be changed. */
  long[] mask(State state) {
    long[] known = masks.get(state);
    if (known != null) {
      return known;
    }
    if ((long) (places.size() + masks.size()) * words * Long.BYTES > MOST_BYTES) {
      places.clear();
      masks.clear();
    }
    long[] mask = new long[words];
    for (Frame frame : state.frames()) {
      add(frame, mask);
    }
    if (state.mayEnd()) {
      for (int token : trie.endTokens()) {
        mask[token >> 6] |= 1L << token;
      }
    }
    masks.put(state, mask);
    return mask;
  }

  private void add(Frame frame, long[] mask) {
    Frame parent = frame.parent;
    if (parent != null && parent.isCounter() && addCounted(frame.node, parent, mask)) {
      return;
    }
    Place place = places.get(frame.node);
    if (place == null) {
      place = explore(frame.node);
      places.put(frame.node, place);
    }
    for (int i = 0; i < words; i++) {
      mask[i] |= place.tokens[i];
    }
    if (parent != null) {
      State after = automaton.returned(parent);
      for (int exit : place.exits) {
        walk.below(exit, after, (node, next) -> trie.addTokens(node, mask));
      }
    }
  }

  private Place explore(int node) {
    long[] tokens = new long[words];
    List<Integer> exits = new ArrayList<>();
    walk.below(
        0,
        automaton.from(node, null),
        (at, next) -> {
          trie.addTokens(at, tokens);
          if (next.mayEnd()) {
            exits.add(at);
          }
        });
    return new Place(tokens, exits.stream().mapToInt(Integer::intValue).toArray());
  }

  /**
   * Adds the tokens of a place in a character that is counted.
   *
   * @return false if what follows the repetition can begin as its character does, so that bytes
   *     alone don't tell which of both a token goes on with
   */
  private boolean addCounted(int node, Frame counter, long[] mask) {
    int repeat = counter.node;
    State after = automaton.from(network.next(repeat), counter.parent);
    ByteSet following = after.firstBytes(network);
    CountedTokens tokens =
        counted.computeIfAbsent(
            node,
            n -> new CountedTokens(automaton, walk, trie, automaton.withinFree(n, repeat), words));
    if (!following.and(tokens.firstBytes(network, repeat)).isEmpty()) {
      return false;
    }
    // One character has begun, which is not counted yet.
    int most = network.most(repeat);
    int further = most == Integer.MAX_VALUE ? most : most - counter.count - 1;
    tokens.addWithin(further, mask);
    int least = network.least(repeat) - counter.count;
    tokens.forEachExit(
        following,
        (child, whole) -> {
          if (whole >= least && whole - 1 <= further) {
            State next = automaton.next(after, trie.value(child));
            trie.addTokens(child, mask);
            walk.below(child, next, (at, state) -> trie.addTokens(at, mask));
          }
        });
    return true;
  }
}
