package org.coreinfer.bench;

import org.coreinfer.backend.Backend;

/**
 * Visits equal things in turn, so many that each has left the caches before it comes again: a round
 * reads {@link #ROUND_BYTES} or more, unless the things are so small that {@link #MOST} of them are
 * less. A device's queue is waited for once in a round, so that the wait hardly counts.
 */
final class Rotation {
  /** What no cache of a usual server or GPU holds. */
  static final long ROUND_BYTES = 256L << 20;

  static final int MOST = 512;

  private final Backend device;
  private final int count;
  private int next;

  Rotation(Backend device, int count) {
    this.device = device;
    this.count = count;
  }

  /**
   * How many things are needed.
   *
   * @param bytes that an operation reads of one of them
   */
  static int count(long bytes) {
    return (int) Math.max(1, Math.min(MOST, (ROUND_BYTES + bytes - 1) / bytes));
  }

  /** The number of the next thing. */
  int next() {
    int current = next;
    next = current + 1 == count ? 0 : current + 1;
    if (current == 0) {
      device.synchronize();
    }
    return current;
  }
}
