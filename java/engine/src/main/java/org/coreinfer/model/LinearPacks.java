package org.coreinfer.model;

import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.RowPacks;
import org.coreinfer.error.OutOfNativeMemoryException;

/**
 * Packs the projections that every token reads, in the course of the first steps ({@link Packing}).
 * Thread-safe.
 */
final class LinearPacks implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(LinearPacks.class.getName());

  private final Backend backend;
  private final List<Linear> linears;
  private int steps;
  private volatile boolean isOff; // or all are packed

  LinearPacks(Backend backend, List<Linear> linears) {
    this.backend = backend;
    this.linears = List.copyOf(linears);
    this.isOff = Packing.isOff(backend);
  }

  /** Says that one more step is about to be taken. */
  void next() {
    if (!isOff) {
      advance();
    }
  }

  private synchronized void advance() {
    int turn = isOff ? -1 : steps++ - Packing.PATIENCE;
    if (turn < 0) {
      return;
    }
    if (turn == 0 && !hasRoom()) {
      isOff = true;
      LOGGER.log(System.Logger.Level.DEBUG, "projections are not packed: too little free memory");
      return;
    }
    try {
      for (int i = turn; i < linears.size(); i += Packing.SPREAD) {
        if (RowPacks.bytes(backend, linears.get(i).weight()) > 0) {
          linears.get(i).pack(backend);
        }
      }
      isOff = turn == Packing.SPREAD - 1;
    } catch (OutOfNativeMemoryException e) {
      isOff = true;
      LOGGER.log(System.Logger.Level.DEBUG, "projections are not packed: {0}", e.getMessage());
    }
  }

  private boolean hasRoom() {
    long packed = 0;
    long mapped = 0;
    for (Linear linear : linears) {
      packed += RowPacks.bytes(backend, linear.weight());
      mapped += linear.weight().bytes();
    }
    return Packing.hasRoomFor(packed, mapped);
  }

  @Override
  public synchronized void close() {
    isOff = true;
    linears.forEach(Linear::close);
  }
}
