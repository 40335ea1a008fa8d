package org.coreinfer.text;

import java.util.Arrays;

/**
 * Which two adjoining symbols become which one, and how early: a hash map with open addressing from
 * pairs of ids.
 */
final class MergeTable {
  /** The absence of a merge, later than every merge. */
  static final long NONE = Long.MAX_VALUE;

  private static final long EMPTY = -1;

  /** Pair and merge by turns, so that a look-up touches one cache line. */
  private long[] slots;

  private int size;

  MergeTable(int expected) {
    slots = emptySlots(Integer.highestOneBit(Math.max(expected, 8)) * 4);
  }

  /** Adds a merge; the last one of a pair counts. */
  void put(int left, int right, int rank, int result) {
    if (size >= slots.length / 4) {
      long[] old = slots;
      slots = emptySlots(old.length);
      for (int i = 0; i < old.length; i += 2) {
        if (old[i] != EMPTY) {
          int slot = slot(old[i]);
          slots[slot] = old[i];
          slots[slot + 1] = old[i + 1];
        }
      }
    }
    long pair = pair(left, right);
    int slot = slot(pair);
    if (slots[slot] == EMPTY) {
      slots[slot] = pair;
      size++;
    }
    slots[slot + 1] = ((long) rank << 32) | result;
  }

  /** The merge of two symbols for {@link #rank} and {@link #result}, or {@link #NONE}. */
  long find(int left, int right) {
    int slot = slot(pair(left, right));
    return slots[slot] == EMPTY ? NONE : slots[slot + 1];
  }

  /** Lower ranks merge first. */
  static int rank(long merge) {
    return (int) (merge >>> 32);
  }

  static int result(long merge) {
    return (int) merge;
  }

  private int slot(long pair) {
    long mixed = (pair ^ (pair >>> 32)) * 0x9e3779b97f4a7c15L;
    int mask = slots.length - 2;
    int slot = ((int) (mixed >>> 32) << 1) & mask;
    while (slots[slot] != EMPTY && slots[slot] != pair) {
      slot = (slot + 2) & mask;
    }
    return slot;
  }

  private static long pair(int left, int right) {
    return ((long) left << 32) | right;
  }

  /** Room for {@code pairs} pairs. */
  private static long[] emptySlots(int pairs) {
    long[] slots = new long[2 * pairs];
    Arrays.fill(slots, EMPTY);
    return slots;
  }
}
