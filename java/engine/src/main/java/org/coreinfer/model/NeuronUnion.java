package org.coreinfer.model;

import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnPacks;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * The neurons that several sequences compute together and which of them each one uses, in host
 * memory where kernels read them. For one thread at a time.
 */
final class NeuronUnion implements AutoCloseable {
  private final int layers;
  private final int neurons;
  private final Resources memory = new Resources();
  private final NativeMemory[] ids; // by layer (neurons)
  private final NativeMemory[] users; // by layer (neurons): bit t for sequence t
  private final NativeMemory[] counts; // by layer
  private final IntBuffer[] idValues;
  private final IntBuffer[] userValues;
  private final IntBuffer countValues;
  private final boolean[] isShared; // every listed neuron is used by all
  private final int[] masks; // of the layer at hand, by neuron
  private final FfnLayers ffn;
  private final CorePacks packs;
  private final @Nullable NeuronSet[] held;
  private int size; // sets that are held

  NeuronUnion(Backend backend, ModelConfig config, FfnLayers ffn) {
    this.layers = config.layers();
    this.neurons = config.neurons();
    this.isShared = new boolean[layers];
    this.masks = new int[neurons];
    this.held = new NeuronSet[Backend.DECODE_TOKENS];
    this.ffn = ffn;
    this.packs = ffn.newPacks();
    memory.onClose(packs::close);
    try {
      long count = Math.multiplyExact((long) layers, neurons);
      this.ids = slices(memory.own(backend.allocateInts("neuron lists", count)), layers);
      this.users = slices(memory.own(backend.allocateInts("neurons' users", count)), layers);
      NativeMemory lengths = memory.own(backend.allocateInts("neuron counts", layers));
      this.counts = slices(lengths, layers);
      this.idValues = ints(ids);
      this.userValues = ints(users);
      this.countValues = lengths.ints();
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  private static NativeMemory[] slices(NativeMemory whole, int count) {
    NativeMemory[] parts = new NativeMemory[count];
    long bytes = whole.bytes() / count;
    Arrays.setAll(parts, i -> whole.slice(i * bytes, bytes));
    return parts;
  }

  private static IntBuffer[] ints(NativeMemory[] memories) {
    return Arrays.stream(memories).map(NativeMemory::ints).toArray(IntBuffer[]::new);
  }

  /** Whether it is that of these entries' sets, in this order. */
  boolean isOf(List<BatchEntry> entries) {
    boolean isSame = entries.size() == size;
    for (int i = 0; isSame && i < size; i++) {
      isSame = held[i] == entries.get(i).neurons();
    }
    return isSame;
  }

  /** Makes it that of these entries' sets. Allocates nothing. */
  void use(List<BatchEntry> entries) {
    if (isOf(entries)) {
      return;
    }
    size = 0;
    packs.renewed();
    for (int layer = 0; layer < layers; layer++) {
      Arrays.fill(masks, 0);
      for (int i = 0; i < entries.size(); i++) {
        mark(entries.get(i).neurons().list(layer), 1 << i);
      }
      write(layer, (1 << entries.size()) - 1);
    }
    Arrays.fill(held, null);
    for (BatchEntry entry : entries) {
      held[size++] = entry.neurons();
    }
  }

  private void mark(int @Nullable [] list, int bit) {
    if (list == null) {
      for (int neuron = 0; neuron < neurons; neuron++) {
        masks[neuron] |= bit;
      }
      return;
    }
    for (int neuron : list) {
      masks[neuron] |= bit;
    }
  }

  private void write(int layer, int everyone) {
    int count = 0;
    boolean isAllShared = true;
    for (int neuron = 0; neuron < neurons; neuron++) {
      int mask = masks[neuron];
      if (mask != 0) {
        idValues[layer].put(count, neuron);
        userValues[layer].put(count, mask);
        isAllShared &= mask == everyone;
        count++;
      }
    }
    countValues.put(layer, count);
    isShared[layer] = isAllShared;
  }

  /** The layer's neurons, ascending, int32; null for all of them. */
  @Nullable NativeMemory ids(int layer) {
    return countValues.get(layer) == neurons ? null : ids[layer];
  }

  /** How many there are, int32. */
  NativeMemory count(int layer) {
    return counts[layer];
  }

  /** Who uses each of them, int32; null if everyone uses all. */
  @Nullable NativeMemory users(int layer) {
    return isShared[layer] ? null : users[layer];
  }

  /** The listed rows for one more step; null where they are not packed. */
  @Nullable FfnPacks nextPacks(int layer) {
    @Nullable NativeMemory listed = ids(layer);
    @Nullable NativeMemory masks = users(layer);
    return listed == null && masks == null
        ? ffn.dense().next(layer, null, counts[layer], null)
        : packs.next(layer, listed, counts[layer], masks);
  }

  @Override
  public void close() {
    memory.close();
  }
}
