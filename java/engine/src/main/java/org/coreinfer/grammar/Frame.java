package org.coreinfer.grammar;

import org.jspecify.annotations.Nullable;

/**
 * A place in a {@link Network}, and where its rule returns to: a stack that shares its lower part
 * with others. Of one {@link Automaton} equal frames are mostly the same object.
 */
final class Frame {
  /** The count of a frame in which a character is repeated without end. */
  static final int FREE = -1;

  /** The count of a frame that counts nothing. */
  static final int NO_COUNT = -2;

  final int id; // frames made later have higher ones
  final int node;
  final @Nullable Frame parent; // null where the text ends when the rule returns
  final int count; // of whole characters, where the frame is within one that its node repeats
  @Nullable State returned; // the state after the rule of a frame above has returned to this one

  Frame(int id, int node, @Nullable Frame parent, int count) {
    this.id = id;
    this.node = node;
    this.parent = parent;
    this.count = count;
  }

  /** Whether the frames above are within a character that is repeated. */
  boolean isCounter() {
    return count != NO_COUNT;
  }
}
