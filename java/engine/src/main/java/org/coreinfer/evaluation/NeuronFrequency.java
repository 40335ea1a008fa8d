package org.coreinfer.evaluation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * In how many texts each neuron of a layer is core, topic by topic. Immutable.
 *
 * <p>A neuron is <em>always</em> core if it is in nine of ten texts of every topic, and
 * <em>never</em> if in at most one of ten of every topic. It is <em>specific</em> to a topic if its
 * share of that topic's texts is higher by half or more than its mean share of the others.
 * Everything else is <em>mixed</em>.
 */
public final class NeuronFrequency {
  private static final double ALWAYS = 0.9;
  private static final double NEVER = 0.1;
  private static final double SPECIFIC = 0.5;
  private static final double ROUNDING = 1e-9;

  private final int layer;
  private final double[][] shares; // (topics, neurons)

  /** Which texts a neuron is core in. */
  public enum Kind {
    ALWAYS,
    SPECIFIC,
    MIXED,
    NEVER
  }

  private NeuronFrequency(int layer, double[][] shares) {
    this.layer = layer;
    this.shares = shares;
  }

  /**
   * Counts a layer's neurons.
   *
   * @param topics the texts' sets, at least one for each topic
   */
  public static NeuronFrequency of(List<List<CoreSet>> topics, int layer) {
    double[][] shares = topics.stream().map(sets -> shares(sets, layer)).toArray(double[][]::new);
    return new NeuronFrequency(layer, shares);
  }

  private static double[] shares(List<CoreSet> sets, int layer) {
    double[] shares = new double[sets.get(0).neurons()];
    for (int neuron = 0; neuron < shares.length; neuron++) {
      int id = neuron;
      long count = sets.stream().filter(set -> set.contains(layer, id)).count();
      shares[neuron] = (double) count / sets.size();
    }
    return shares;
  }

  public int layer() {
    return layer;
  }

  public int topics() {
    return shares.length;
  }

  public int neurons() {
    return shares[0].length;
  }

  /** The share of a topic's texts in which a neuron is core. */
  public double share(int topic, int neuron) {
    return shares[topic][neuron];
  }

  /** The mean of all topics' shares. */
  public double mean(int neuron) {
    return IntStream.range(0, topics()).mapToDouble(t -> shares[t][neuron]).average().orElseThrow();
  }

  public Kind kind(int neuron) {
    double[] ofTopics = IntStream.range(0, topics()).mapToDouble(t -> shares[t][neuron]).toArray();
    if (Arrays.stream(ofTopics).allMatch(share -> share >= ALWAYS - ROUNDING)) {
      return Kind.ALWAYS;
    }
    if (Arrays.stream(ofTopics).allMatch(share -> share <= NEVER + ROUNDING)) {
      return Kind.NEVER;
    }
    return lead(neuron) >= SPECIFIC - ROUNDING ? Kind.SPECIFIC : Kind.MIXED;
  }

  /** The topic of which a neuron's share is the highest; of equals the first. */
  public int topic(int neuron) {
    int best = 0;
    for (int topic = 1; topic < topics(); topic++) {
      if (shares[topic][neuron] > shares[best][neuron]) {
        best = topic;
      }
    }
    return best;
  }

  /** By how much the highest share is above the mean of the others. */
  private double lead(int neuron) {
    if (topics() == 1) {
      return 0;
    }
    double highest = shares[topic(neuron)][neuron];
    return highest - (mean(neuron) * topics() - highest) / (topics() - 1);
  }

  /** How many neurons are of a kind. */
  public int count(Kind kind) {
    return (int) IntStream.range(0, neurons()).filter(neuron -> kind(neuron) == kind).count();
  }

  /** How many neurons are specific to a topic. */
  public int specificTo(int topic) {
    return (int)
        IntStream.range(0, neurons())
            .filter(neuron -> kind(neuron) == Kind.SPECIFIC && topic(neuron) == topic)
            .count();
  }

  /** All neurons by kind; specific ones by topic; within that, the most frequent first. */
  public int[] sorted() {
    return IntStream.range(0, neurons())
        .boxed()
        .sorted(
            Comparator.<Integer, Kind>comparing(this::kind)
                .thenComparing(n -> kind(n) == Kind.SPECIFIC ? topic(n) : 0)
                .thenComparing(n -> -mean(n)))
        .mapToInt(n -> n)
        .toArray();
  }
}
