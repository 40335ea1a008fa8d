package org.coreinfer.model;

import org.coreinfer.backend.Backend;

/**
 * When rows are packed. Packing a layer costs about what computing it densely does, so it waits
 * until what is packed has served a few steps, and then takes a few layers with each step.
 */
final class Packing {
  /** {@code off} leaves all rows where they are. */
  private static final String PROPERTY = "coreinfer.pack";

  /** Steps before rows are packed. */
  static final int PATIENCE = 4;

  /** Steps over which packing is spread. */
  static final int SPREAD = 8;

  private Packing() {}

  static boolean isOff(Backend backend) {
    return !backend.isHost() || "off".equals(System.getProperty(PROPERTY));
  }

  /** Whether so much can be taken without driving mapped weights out of memory. */
  static boolean hasRoomFor(long bytes, long mapped) {
    long available = MemoryPlan.availableNow();
    return available < 0 || available - 2 * mapped > 2 * bytes;
  }
}
