package org.coreinfer.grammar;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * Follows texts through a {@link Network}, byte by byte, with all places at once where they may be.
 * What was found out is remembered, up to a limit. For one thread at a time.
 */
final class Automaton {
  private static final int MOST_REMEMBERED = 100_000; // frames and states

  private static final int MOST_PLACES = 10_000;

  private record FrameKey(int node, @Nullable Frame parent, int count) {}

  private record StateKey(List<Frame> frames, boolean mayEnd) {}

  private final Network network;
  private final Map<FrameKey, Frame> frames = new HashMap<>();
  private final Map<StateKey, State> states = new HashMap<>();
  private int nextId;
  // Of the state that is being collected.
  private final List<Frame> collected = new ArrayList<>();
  private final Set<FrameKey> visited = new HashSet<>();
  private boolean mayEnd;

  Automaton(Network network) {
    this.network = network;
  }

  /** Before the first byte. */
  State start() {
    return from(network.start(), null);
  }

  /** At a node whose rule returns to {@code parent}. */
  State from(int node, @Nullable Frame parent) {
    follow(node, parent);
    return collect();
  }

  /**
   * Within a character that a node repeats for ever, from a node of it on; the text may end after
   * each character.
   */
  State withinFree(int node, int repeat) {
    return from(node, frame(new FrameKey(repeat, null, Frame.FREE)));
  }

  /** Where the rule, or the character, above {@code frame} has returned. */
  State returned(Frame frame) {
    State known = frame.returned;
    if (known == null) {
      returnTo(frame);
      known = collect();
      frame.returned = known;
    }
    return known;
  }

  /** The state after a byte, 0 to 255; {@link State#DEAD} if it may not come next. */
  State next(State state, int value) {
    State known = state.known(value);
    if (known != null) {
      return known;
    }
    for (Frame frame : state.frames()) {
      if (network.bytes(frame.node).contains(value)) {
        follow(network.next(frame.node), frame.parent);
      }
    }
    State next = collect();
    state.remember(value, next);
    return next;
  }

  /** The state after bytes. */
  State next(State state, byte[] bytes) {
    State next = state;
    for (byte value : bytes) {
      next = next(next, value & 0xff);
    }
    return next;
  }

  /** Adds the places that take a byte and are reached from a node without one. */
  private void follow(int node, @Nullable Frame parent) {
    if (network.distance(node) == Network.NEVER) {
      return;
    }
    if (node == Network.RETURN) {
      if (parent == null) {
        mayEnd = true;
      } else {
        returnTo(parent);
      }
      return;
    }
    if (network.isRepeat(node)) {
      repeat(node, parent, 0);
      return;
    }
    FrameKey key = new FrameKey(node, parent, Frame.NO_COUNT);
    if (!visited.add(key)) {
      return;
    }
    if (network.takesByte(node)) {
      collected.add(frame(key));
    } else if (network.isCall(node)) {
      // A call that is its rule's last act returns where that does: repetition needs no stack.
      boolean isLast = network.next(node) == Network.RETURN;
      Frame caller =
          isLast ? parent : frame(new FrameKey(network.next(node), parent, Frame.NO_COUNT));
      follow(network.callee(node), caller);
    } else {
      for (int branch : network.branches(node)) {
        follow(branch, parent);
      }
    }
  }

  private void returnTo(Frame frame) {
    if (!frame.isCounter()) {
      follow(frame.node, frame.parent);
    } else if (frame.count == Frame.FREE) {
      mayEnd = true;
      follow(network.callee(frame.node), frame);
    } else {
      repeat(frame.node, frame.parent, frame.count + 1);
    }
  }

  /** After so many whole characters of a node that repeats one. */
  private void repeat(int node, @Nullable Frame parent, int done) {
    int least = network.least(node);
    int most = network.most(node);
    if (done >= least) {
      follow(network.next(node), parent);
    }
    if (done < most) {
      boolean isCounted = done < least || most < Integer.MAX_VALUE;
      Frame counter = frame(new FrameKey(node, parent, isCounted ? done : least));
      follow(network.callee(node), counter);
    }
  }

  private Frame frame(FrameKey key) {
    return frames.computeIfAbsent(key, k -> new Frame(nextId++, k.node, k.parent, k.count));
  }

  private State collect() {
    if (collected.size() > MOST_PLACES) {
      collected.clear();
      visited.clear();
      mayEnd = false;
      throw new CoreInferException(
          "the grammar is too ambiguous: a text may be at more than %d places of it at once"
              .formatted(MOST_PLACES));
    }
    collected.sort(Comparator.comparingInt(frame -> frame.id));
    State state =
        collected.isEmpty() && !mayEnd
            ? State.DEAD
            : states.computeIfAbsent(
                new StateKey(List.copyOf(collected), mayEnd),
                key -> new State(key.frames.toArray(Frame[]::new), key.mayEnd));
    collected.clear();
    visited.clear();
    mayEnd = false;
    if (frames.size() + states.size() > MOST_REMEMBERED) {
      // States in use stay valid: equal ones that are made again just are other objects.
      frames.clear();
      states.clear();
    }
    return state;
  }
}
