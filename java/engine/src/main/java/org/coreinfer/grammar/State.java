package org.coreinfer.grammar;

import org.jspecify.annotations.Nullable;

/** Every place in a grammar where a text may be after some bytes. */
final class State {
  private static final Frame[] NO_FRAMES = {};

  /** The state of a text that no grammar takes. */
  static final State DEAD = new State(NO_FRAMES, false);

  /** The state after an end token. */
  static final State ENDED = new State(NO_FRAMES, true);

  private final Frame[] frames; // each of them takes a byte
  private final boolean mayEnd;
  private State @Nullable [] nexts;

  State(Frame[] frames, boolean mayEnd) {
    this.frames = frames;
    this.mayEnd = mayEnd;
  }

  Frame[] frames() {
    return frames;
  }

  /** Whether the text may end here. */
  boolean mayEnd() {
    return mayEnd;
  }

  /** Whether another byte may follow. */
  boolean mayGoOn() {
    return frames.length > 0;
  }

  /** The bytes that may come next. */
  ByteSet firstBytes(Network network) {
    ByteSet bytes = ByteSet.NONE;
    for (Frame frame : frames) {
      bytes = bytes.or(network.bytes(frame.node));
    }
    return bytes;
  }

  /** The state after a byte (0 to 255) if that was remembered. */
  @Nullable State known(int value) {
    return nexts == null ? null : nexts[value];
  }

  void remember(int value, State next) {
    if (nexts == null) {
      nexts = new State[256];
    }
    nexts[value] = next;
  }
}
