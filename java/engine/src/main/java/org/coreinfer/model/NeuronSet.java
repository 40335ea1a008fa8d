package org.coreinfer.model;

import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The neurons that decoding computes, layer by layer. Dense decoding is the set of all. Immutable
 * until closed.
 */
public final class NeuronSet implements AutoCloseable {
  private final int[] counts;
  private final @Nullable NativeMemory[] ids;

  private NeuronSet(int[] counts, @Nullable NativeMemory[] ids) {
    this.counts = counts;
    this.ids = ids;
  }

  /** Every neuron of every layer. */
  public static NeuronSet all(ModelConfig config) {
    int[] counts = new int[config.layers()];
    Arrays.fill(counts, config.neurons());
    return new NeuronSet(counts, new NativeMemory[config.layers()]);
  }

  /**
   * The listed neurons.
   *
   * @param ids for each layer strictly ascending neuron numbers, at least one; null for all neurons
   */
  public static NeuronSet of(Backend backend, ModelConfig config, int[] @Nullable [] ids) {
    if (ids.length != config.layers()) {
      throw new IllegalArgumentException(
          ids.length + " neuron lists for " + config.layers() + " layers");
    }
    NeuronSet set = all(config);
    for (int layer = 0; layer < ids.length; layer++) {
      int[] list = ids[layer];
      if (list == null) {
        continue;
      }
      checkAscending(layer, list, config.neurons());
      NativeMemory memory = backend.allocate("core neurons", (long) list.length * Integer.BYTES);
      memory.ints().put(list);
      set.ids[layer] = memory;
      set.counts[layer] = list.length;
    }
    return set;
  }

  private static void checkAscending(int layer, int[] list, int neurons) {
    int previous = -1;
    for (int id : list) {
      if (id <= previous || id >= neurons) {
        throw new IllegalArgumentException(
            "layer %d: neuron %d after %d: expected ascending numbers below %d"
                .formatted(layer, id, previous, neurons));
      }
      previous = id;
    }
    if (list.length == 0) {
      throw new IllegalArgumentException("layer " + layer + ": no neuron is listed");
    }
  }

  public int layers() {
    return counts.length;
  }

  /** How many neurons of a layer are computed. */
  public int count(int layer) {
    return counts[layer];
  }

  /** The numbers of a layer's neurons, ascending. */
  public int[] ids(int layer) {
    NativeMemory memory = ids[layer];
    int[] list = new int[counts[layer]];
    if (memory == null) {
      Arrays.setAll(list, i -> i);
    } else {
      memory.ints().get(list);
    }
    return list;
  }

  @Nullable NativeMemory memory(int layer) {
    return ids[layer];
  }

  @Override
  public void close() {
    for (NativeMemory memory : ids) {
      if (memory != null) {
        memory.close();
      }
    }
  }
}
