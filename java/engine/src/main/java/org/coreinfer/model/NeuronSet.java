package org.coreinfer.model;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The neurons that decoding computes, layer by layer, and what stands for the others. Dense
 * decoding is the set of all.
 */
public final class NeuronSet {
  private final int neurons;
  private final int[] @Nullable [] lists; // null for all neurons of a layer
  private final @Nullable Tail tail;

  private NeuronSet(int neurons, int[] @Nullable [] lists, @Nullable Tail tail) {
    this.neurons = neurons;
    this.lists = lists;
    this.tail = tail;
  }

  /** Every neuron of every layer. */
  public static NeuronSet all(ModelConfig config) {
    return new NeuronSet(config.neurons(), new int[config.layers()][], null);
  }

  /**
   * The listed neurons.
   *
   * @param ids for each layer strictly ascending neuron numbers, at least one; null for all neurons
   */
  public static NeuronSet of(ModelConfig config, int[] @Nullable [] ids) {
    if (ids.length != config.layers()) {
      throw new IllegalArgumentException(
          ids.length + " neuron lists for " + config.layers() + " layers");
    }
    int[][] copies = new int[ids.length][];
    for (int layer = 0; layer < ids.length; layer++) {
      int[] list = ids[layer];
      if (list != null) {
        checkAscending(layer, list, config.neurons());
        copies[layer] = list.clone();
      }
    }
    return new NeuronSet(config.neurons(), copies, null);
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

  /** The same neurons, with something in place of the others. */
  public NeuronSet withTail(@Nullable Tail other) {
    return new NeuronSet(neurons, lists, other);
  }

  /** What is added in place of the neurons that are left out; null for nothing. */
  public @Nullable Tail tail() {
    return tail;
  }

  public int layers() {
    return lists.length;
  }

  /** How many neurons each layer has, computed or not. */
  public int neurons() {
    return neurons;
  }

  /** How many neurons of a layer are computed. */
  public int count(int layer) {
    int[] list = lists[layer];
    return list == null ? neurons : list.length;
  }

  /** The numbers of a layer's neurons, ascending. */
  public int[] ids(int layer) {
    int[] list = lists[layer];
    if (list != null) {
      return list.clone();
    }
    int[] all = new int[neurons];
    Arrays.setAll(all, i -> i);
    return all;
  }

  /** A layer's list itself; null for all neurons. */
  int @Nullable [] list(int layer) {
    return lists[layer];
  }
}
