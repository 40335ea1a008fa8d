package org.coreinfer.model;

import java.util.Arrays;
import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnPacks;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The packed rows of lists that stay for a while, layer by layer ({@link FfnPacks}, {@link
 * Packing}); lists that are renewed all the time are never packed. Where memory is scarce nothing
 * is. Thread-safe.
 */
final class CorePacks implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(CorePacks.class.getName());

  private final Backend backend;
  private final List<FfnWeights> ffn;
  private final @Nullable FfnPacks[] packs;
  private final boolean[] isPacked;
  private final int[] steps; // that a layer's list has served
  private boolean isOff;

  /**
   * @param ffn by layer
   */
  CorePacks(Backend backend, List<FfnWeights> ffn) {
    int layers = ffn.size();
    this.backend = backend;
    this.ffn = ffn;
    this.packs = new FfnPacks[layers];
    this.isPacked = new boolean[layers];
    this.steps = new int[layers];
    this.isOff = Packing.isOff(backend);
  }

  /** Says that a layer's list is another one. */
  synchronized void renewed(int layer) {
    isPacked[layer] = false;
    steps[layer] = 0;
  }

  synchronized void renewed() {
    Arrays.fill(isPacked, false);
    Arrays.fill(steps, 0);
  }

  /**
   * The layer's packed rows for one more step; null if they are not packed.
   *
   * @param ids the list, with count and users as {@link FfnPacks#pack} wants them
   */
  synchronized @Nullable FfnPacks next(
      int layer, @Nullable NativeMemory ids, NativeMemory count, @Nullable NativeMemory users) {
    if (isOff) {
      return null;
    }
    if (isPacked[layer]) {
      return packs[layer];
    }
    if (steps[layer]++ < Packing.PATIENCE + layer % Packing.SPREAD) {
      return null;
    }
    FfnPacks room = room(layer, count.ints().get(0));
    if (room != null) {
      room.pack(ids, count, users);
      isPacked[layer] = true;
    }
    return room;
  }

  /** The layer's packed rows if they are packed. */
  synchronized @Nullable FfnPacks get(int layer) {
    return isPacked[layer] ? packs[layer] : null;
  }

  private @Nullable FfnPacks room(int layer, int count) {
    FfnPacks room = packs[layer];
    if (room != null && room.capacity() >= count) {
      return room;
    }
    packs[layer] = null;
    if (room != null) {
      room.close();
    }
    FfnWeights weights = ffn.get(layer);
    long bytes = count == 0 ? 0 : FfnPacks.bytes(backend, weights, count);
    if (bytes == 0) {
      steps[layer] = Integer.MIN_VALUE;
      return null;
    }
    if (!hasRoomFor(bytes * packs.length)) {
      isOff = true;
      LOGGER.log(System.Logger.Level.DEBUG, "core rows are not packed: too little free memory");
      return null;
    }
    try {
      room = FfnPacks.allocate(backend, weights, count);
    } catch (OutOfNativeMemoryException e) {
      isOff = true;
      LOGGER.log(System.Logger.Level.DEBUG, "core rows are not packed: {0}", e.getMessage());
      return null;
    }
    packs[layer] = room;
    return room;
  }

  private boolean hasRoomFor(long bytes) {
    long mapped = 0;
    for (FfnWeights weights : ffn) {
      mapped += weights.up().bytes() * (weights.gate() == null ? 1 : 2);
    }
    return Packing.hasRoomFor(bytes, mapped);
  }

  @Override
  public synchronized void close() {
    for (FfnPacks each : packs) {
      if (each != null) {
        each.close();
      }
    }
  }
}
