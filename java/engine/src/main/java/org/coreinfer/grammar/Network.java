package org.coreinfer.grammar;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.grammar.Expression.Rule;

/**
 * A grammar as a recursive transition network: nodes that take a byte, branch, call a rule, repeat
 * a character or return from a rule. Immutable once made.
 *
 * <p>Every node knows how many bytes it needs at least until its rule returns; those that never can
 * are left out by whoever follows the network, so that no way through it is a dead end.
 */
final class Network {
  /** The most nodes; what bounds memory and the time to make it. */
  static final int MOST_NODES = 1 << 20;

  /** Distance of a node from which its rule cannot return. */
  static final int NEVER = Integer.MAX_VALUE;

  /** The node that returns from any rule. */
  static final int RETURN = 0;

  private static final int BYTES = 1;
  private static final int SPLIT = 2;
  private static final int CALL = 3;
  private static final int REPEAT = 4;
  private static final int INLINE_NODES = 64; // larger bodies that are repeated become rules
  private static final int[] NO_TARGETS = {};

  private byte[] kinds = new byte[64];
  private int[] nexts = new int[64];
  private int[] calls = new int[64]; // the start of the called rule or of what is repeated
  private ByteSet[] sets = new ByteSet[64];
  private int[][] targets = new int[64][];
  private int size;
  private final int start;
  private final int[] distances;
  private final ByteSet available;
  private final Map<Rule, Integer> starts = new HashMap<>();
  private final IdentityHashMap<Expression, Integer> symbols =
      new IdentityHashMap<>(); // repeated ones
  private final Deque<Rule> waiting = new ArrayDeque<>();

  /**
   * @param available the bytes that texts may have
   * @throws GrammarSizeException if it would have more than {@link #MOST_NODES} nodes
   */
  Network(Rule root, ByteSet available) {
    this.available = available;
    node(RETURN, 0);
    this.start = start(root);
    while (!waiting.isEmpty()) {
      Rule rule = waiting.remove();
      int body = compile(rule.body(), RETURN);
      int head = starts.getOrDefault(rule, RETURN);
      targets[head] = new int[] {body};
    }
    this.distances = distances();
  }

  /** A grammar that is too large. */
  static final class GrammarSizeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    GrammarSizeException() {
      super("the grammar is too large: lower its lengths and counts");
    }
  }

  private int node(int kind, int next) {
    if (size == MOST_NODES) {
      throw new GrammarSizeException();
    }
    if (size == kinds.length) {
      int larger = 2 * size;
      kinds = Arrays.copyOf(kinds, larger);
      nexts = Arrays.copyOf(nexts, larger);
      calls = Arrays.copyOf(calls, larger);
      sets = Arrays.copyOf(sets, larger);
      targets = Arrays.copyOf(targets, larger);
    }
    kinds[size] = (byte) kind;
    nexts[size] = next;
    sets[size] = ByteSet.NONE;
    targets[size] = NO_TARGETS;
    return size++;
  }

  private int start(Rule rule) {
    Integer known = starts.get(rule);
    if (known != null) {
      return known;
    }
    int head = node(SPLIT, RETURN);
    starts.put(rule, head);
    waiting.add(rule);
    return head;
  }

  /** Adds the nodes of an expression that {@code next} follows; gives the first of them. */
  private int compile(Expression expression, int next) {
    if (expression instanceof Expression.Bytes bytes) {
      int node = node(BYTES, next);
      sets[node] = bytes.set().and(available);
      return node;
    }
    if (expression instanceof Expression.Symbol symbol) {
      return compile(symbol.body(), next);
    }
    if (expression instanceof Expression.Sequence sequence) {
      int first = next;
      List<Expression> parts = sequence.parts();
      for (int i = parts.size() - 1; i >= 0; i--) {
        first = compile(parts.get(i), first);
      }
      return first;
    }
    if (expression instanceof Expression.Choice choice) {
      int[] options = choice.options().stream().mapToInt(e -> compile(e, next)).toArray();
      return options.length == 1 ? options[0] : split(options);
    }
    if (expression instanceof Expression.Call call) {
      int callee = start(call.rule());
      int node = node(CALL, next);
      calls[node] = callee;
      return node;
    }
    return compileRepeat((Expression.Repeat) expression, next);
  }

  private int split(int... options) {
    int node = node(SPLIT, RETURN);
    targets[node] = options;
    return node;
  }

  private int compileRepeat(Expression.Repeat repeat, int next) {
    boolean isOnce = repeat.min() + repeat.max() <= 1;
    boolean isLoop = repeat.min() == 0 && repeat.max() == Expression.UNLIMITED;
    if (repeat.body() instanceof Expression.Symbol symbol && !isOnce && !isLoop) {
      Integer known = symbols.get(symbol);
      int body = known == null ? compile(symbol, RETURN) : known;
      symbols.put(symbol, body);
      int node = node(REPEAT, next);
      calls[node] = body;
      targets[node] = new int[] {repeat.min(), repeat.max()};
      return node;
    }
    Expression body =
        isOnce || nodes(repeat.body()) <= INLINE_NODES
            ? repeat.body()
            : new Expression.Call(new Rule("repeated", repeat.body()));
    int first = next;
    if (repeat.max() == Expression.UNLIMITED) {
      first = node(SPLIT, RETURN);
      int looped = compile(body, first);
      targets[first] = new int[] {looped, next};
    }
    for (int i = repeat.min(); i < repeat.max(); i++) {
      first = split(compile(body, first), next);
    }
    for (int i = 0; i < repeat.min(); i++) {
      first = compile(body, first);
    }
    return first;
  }

  private static int nodes(Expression expression) {
    if (expression instanceof Expression.Symbol symbol) {
      return nodes(symbol.body());
    }
    if (expression instanceof Expression.Sequence sequence) {
      return sequence.parts().stream().mapToInt(Network::nodes).sum();
    }
    if (expression instanceof Expression.Choice choice) {
      return 1 + choice.options().stream().mapToInt(Network::nodes).sum();
    }
    if (expression instanceof Expression.Repeat repeat) {
      int copies = 1 + Math.max(repeat.min(), repeat.max());
      return (int) Math.min(MOST_NODES, (long) copies * nodes(repeat.body()));
    }
    return 1;
  }

  /** Relaxes until nothing gets shorter; nodes mostly follow their successors, so that is soon. */
  private int[] distances() {
    int[] result = new int[size];
    Arrays.fill(result, NEVER);
    result[RETURN] = 0;
    boolean isChanged = true;
    while (isChanged) {
      isChanged = false;
      for (int node = 1; node < size; node++) {
        int distance = distance(node, result);
        if (distance < result[node]) {
          result[node] = distance;
          isChanged = true;
        }
      }
    }
    return result;
  }

  private int distance(int node, int[] known) {
    return switch (kinds[node]) {
      case BYTES -> sets[node].isEmpty() ? NEVER : plus(1, known[nexts[node]]);
      case CALL -> plus(known[calls[node]], known[nexts[node]]);
      case REPEAT ->
          least(node) == 0
              ? known[nexts[node]]
              : plus(times(least(node), known[calls[node]]), known[nexts[node]]);
      default -> Arrays.stream(targets[node]).map(t -> known[t]).min().orElse(NEVER);
    };
  }

  private static int plus(int one, int other) {
    return one == NEVER || other == NEVER ? NEVER : (int) Math.min(NEVER - 1L, (long) one + other);
  }

  private static int times(int count, int distance) {
    return distance == NEVER ? NEVER : (int) Math.min(NEVER - 1L, (long) count * distance);
  }

  /** Where the grammar's root begins. */
  int start() {
    return start;
  }

  /** Whether the grammar has any text. */
  boolean hasText() {
    return distances[start] != NEVER;
  }

  /** The fewest bytes from a node until its rule returns, or {@link #NEVER}. */
  int distance(int node) {
    return distances[node];
  }

  boolean takesByte(int node) {
    return kinds[node] == BYTES;
  }

  boolean isCall(int node) {
    return kinds[node] == CALL;
  }

  /** What a node that takes a byte takes. */
  ByteSet bytes(int node) {
    return sets[node];
  }

  /** What follows a byte or a call. */
  int next(int node) {
    return nexts[node];
  }

  /** Whether a node repeats a character, and counts how often. */
  boolean isRepeat(int node) {
    return kinds[node] == REPEAT;
  }

  /** How often a repeating node takes its character at least. */
  int least(int node) {
    return targets[node][0];
  }

  /** How often at most; {@link Integer#MAX_VALUE} for no limit. */
  int most(int node) {
    int most = targets[node][1];
    return most == Expression.UNLIMITED ? Integer.MAX_VALUE : most;
  }

  /** Where the called rule, or the repeated character, begins. */
  int callee(int node) {
    return calls[node];
  }

  /** Where a branch leads. */
  int[] branches(int node) {
    return targets[node];
  }
}
