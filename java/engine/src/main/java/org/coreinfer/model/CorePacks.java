package org.coreinfer.model;

import java.util.Arrays;
import org.coreinfer.backend.FfnPacks;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The packed rows of lists that stay for a while, layer by layer ({@link FfnPacks}, {@link
 * Packing}); lists that are renewed all the time are never packed. Thread-safe.
 */
final class CorePacks implements AutoCloseable {
  private static final int NEVER = Integer.MIN_VALUE;

  private final PackRooms rooms;
  private final @Nullable FfnPacks[] packs;
  private final boolean[] isPacked;
  private final int[] steps; // that a layer's list has served

  CorePacks(PackRooms rooms) {
    this.rooms = rooms;
    this.packs = new FfnPacks[rooms.layers()];
    this.isPacked = new boolean[rooms.layers()];
    this.steps = new int[rooms.layers()];
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
    if (isPacked[layer]) {
      return packs[layer];
    }
    if (rooms.isOff() || !isDue(layer, count)) {
      return null;
    }
    FfnPacks room = room(layer, count.ints().get(0));
    if (room == null) {
      steps[layer] = NEVER;
      return null;
    }
    room.pack(ids, count, users);
    isPacked[layer] = true;
    return room;
  }

  private boolean isDue(int layer, NativeMemory count) {
    int served = steps[layer]++;
    if (served < Packing.dueAfter(layer, true)) {
      return false;
    }
    return served >= Packing.dueAfter(layer, false) || hasRoom(layer, count.ints().get(0));
  }

  /** The layer's packed rows if they are packed. */
  synchronized @Nullable FfnPacks get(int layer) {
    return isPacked[layer] ? packs[layer] : null;
  }

  private boolean hasRoom(int layer, int count) {
    FfnPacks own = packs[layer];
    return (own != null && own.capacity() >= count) || rooms.has(layer, count);
  }

  private @Nullable FfnPacks room(int layer, int count) {
    FfnPacks own = packs[layer];
    if (own == null || own.capacity() < count) {
      giveBack(layer);
      packs[layer] = rooms.take(layer, count);
    }
    return packs[layer];
  }

  private void giveBack(int layer) {
    FfnPacks own = packs[layer];
    packs[layer] = null;
    if (own != null) {
      rooms.give(layer, own);
    }
  }

  @Override
  public synchronized void close() {
    renewed();
    for (int layer = 0; layer < packs.length; layer++) {
      giveBack(layer);
    }
  }
}
