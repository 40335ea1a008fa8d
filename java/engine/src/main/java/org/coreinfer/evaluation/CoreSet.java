package org.coreinfer.evaluation;

import java.util.BitSet;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.coreinfer.model.NeuronSet;

/** A set of neurons that can be compared with others of the same model. Immutable. */
public final class CoreSet {
  private final int neurons;
  private final int[] counts; // (layers)
  private final long[][] bits; // (layers, words)

  private CoreSet(NeuronSet set) {
    this.neurons = set.neurons();
    this.counts = IntStream.range(0, set.layers()).map(set::count).toArray();
    this.bits =
        IntStream.range(0, set.layers())
            .mapToObj(layer -> bits(set.ids(layer)))
            .toArray(long[][]::new);
  }

  public static CoreSet of(NeuronSet set) {
    return new CoreSet(set);
  }

  private static long[] bits(int[] ids) {
    BitSet set = new BitSet();
    for (int id : ids) {
      set.set(id);
    }
    return set.toLongArray();
  }

  public int layers() {
    return bits.length;
  }

  /** How many neurons each layer has, core or not. */
  public int neurons() {
    return neurons;
  }

  /** How many neurons of a layer are core. */
  public int count(int layer) {
    return counts[layer];
  }

  /** Whether a neuron is core. */
  public boolean contains(int layer, int neuron) {
    int word = neuron / Long.SIZE;
    return word < bits[layer].length && (bits[layer][word] >>> neuron & 1) != 0;
  }

  /**
   * The neurons of a layer that both have in common, as a share of the larger set: 0 to 1, and the
   * same from either side.
   */
  public double overlap(CoreSet other, int layer) {
    int common = 0;
    int words = Math.min(bits[layer].length, other.bits[layer].length);
    for (int i = 0; i < words; i++) {
      common += Long.bitCount(bits[layer][i] & other.bits[layer][i]);
    }
    return (double) common / Math.max(counts[layer], other.counts[layer]);
  }

  /** The mean of all layers' overlaps, but of those that both compute whole; 1 if they all are. */
  public double overlap(CoreSet other) {
    return mean(other, layer -> overlap(other, layer));
  }

  /**
   * The overlap to expect of a layer's sets of this size that have nothing to do with each other.
   */
  public double chance(CoreSet other, int layer) {
    return (double) Math.min(counts[layer], other.counts[layer]) / neurons;
  }

  /** The mean chance of the layers that {@link #overlap(CoreSet)} takes. */
  public double chance(CoreSet other) {
    return mean(other, layer -> chance(other, layer));
  }

  private double mean(CoreSet other, IntToDoubleFunction ofLayer) {
    return IntStream.range(0, layers())
        .filter(layer -> counts[layer] < neurons || other.counts[layer] < neurons)
        .mapToDouble(ofLayer)
        .average()
        .orElse(1);
  }
}
