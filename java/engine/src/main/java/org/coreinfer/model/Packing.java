package org.coreinfer.model;

import org.coreinfer.backend.Backend;

/**
 * When rows are packed. Packing a layer costs about what computing it densely does, and new memory
 * as much again or more, so it waits until what is packed has served a few steps, and then takes a
 * few layers with each step.
 */
final class Packing {
  /** {@code off} leaves all rows where they are. */
  private static final String PROPERTY = "coreinfer.pack";

  /** Steps before rows are packed. */
  static final int PATIENCE = 4;

  /** Steps over which packing is spread. */
  static final int SPREAD = 8;

  // The same for rows whose memory is at hand.
  private static final int SHORT_PATIENCE = 2;
  private static final int SHORT_SPREAD = 4;

  private Packing() {}

  /** Steps that a layer's list serves before its rows are packed. */
  static int dueAfter(int layer, boolean hasMemory) {
    return hasMemory ? SHORT_PATIENCE + layer % SHORT_SPREAD : PATIENCE + layer % SPREAD;
  }

  static boolean isOff(Backend backend) {
    return !backend.isHost() || "off".equals(System.getProperty(PROPERTY));
  }

  /** Whether so much can be taken without driving mapped weights out of memory. */
  static boolean hasRoomFor(long bytes, long mapped) {
    long available = MemoryPlan.availableNow();
    return available < 0 || available - 2 * mapped > 2 * bytes;
  }
}
