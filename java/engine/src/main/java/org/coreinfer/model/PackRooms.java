package org.coreinfer.model;

import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnPacks;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.jspecify.annotations.Nullable;

/**
 * Where memory for a model's packed rows comes from and goes back to. Of each layer one piece is
 * kept for whoever comes next, as the system takes longer to hand out new pages than packing takes.
 * Where memory is scarce there is none. Thread-safe.
 */
final class PackRooms implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(PackRooms.class.getName());

  private final Backend backend;
  private final List<FfnWeights> ffn;
  private final boolean isOff;
  private final @Nullable FfnPacks[] spare;
  private boolean isClosed;

  /**
   * @param ffn by layer
   */
  PackRooms(Backend backend, List<FfnWeights> ffn) {
    this.backend = backend;
    this.ffn = ffn;
    this.isOff = Packing.isOff(backend);
    this.spare = new FfnPacks[ffn.size()];
  }

  boolean isOff() {
    return isOff;
  }

  int layers() {
    return spare.length;
  }

  /** Whether {@link #take} has a piece for so many neurons at hand. */
  synchronized boolean has(int layer, int count) {
    FfnPacks kept = spare[layer];
    return kept != null && kept.capacity() >= count;
  }

  /** Room for so many neurons, which the caller gives back; null if there is none. */
  synchronized @Nullable FfnPacks take(int layer, int count) {
    if (isOff || isClosed || count == 0) {
      return null;
    }
    if (!has(layer, count)) {
      return allocate(layer, count);
    }
    FfnPacks kept = spare[layer];
    spare[layer] = null;
    return kept;
  }

  private @Nullable FfnPacks allocate(int layer, int count) {
    FfnWeights weights = ffn.get(layer);
    int capacity = Math.min(weights.neurons(), count + count / 8); // for the next, longer list
    long bytes = FfnPacks.bytes(backend, weights, capacity);
    if (bytes == 0) {
      return null;
    }
    if (!Packing.hasRoomFor(bytes * spare.length, mappedBytes())) {
      LOGGER.log(System.Logger.Level.DEBUG, "core rows are not packed: too little free memory");
      return null;
    }
    try {
      return FfnPacks.allocate(backend, weights, capacity);
    } catch (OutOfNativeMemoryException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "core rows are not packed: {0}", e.getMessage());
      return null;
    }
  }

  private long mappedBytes() {
    return ffn.stream()
        .mapToLong(weights -> weights.up().bytes() * (weights.gate() == null ? 1 : 2))
        .sum();
  }

  /** Takes back what {@link #take} gave, of which the larger piece is kept. */
  synchronized void give(int layer, FfnPacks packs) {
    FfnPacks kept = spare[layer];
    if (isClosed || (kept != null && kept.capacity() >= packs.capacity())) {
      packs.close();
      return;
    }
    if (kept != null) {
      kept.close();
    }
    spare[layer] = packs;
  }

  @Override
  public synchronized void close() {
    isClosed = true;
    for (int layer = 0; layer < spare.length; layer++) {
      FfnPacks kept = spare[layer];
      if (kept != null) {
        kept.close();
      }
      spare[layer] = null;
    }
  }
}
