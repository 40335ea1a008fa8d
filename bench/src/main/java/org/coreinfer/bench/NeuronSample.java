package org.coreinfer.bench;

import java.util.SplittableRandom;

/** Random neurons, as scattered as a list can be. */
final class NeuronSample {
  private NeuronSample() {}

  /** How many neurons a fraction is. */
  static int count(int neurons, double keep) {
    return (int) Math.max(1, Math.round(keep * neurons));
  }

  /** Ascending numbers of {@code count} of {@code neurons} neurons, all equally likely. */
  static int[] of(int neurons, int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] ids = new int[count];
    int taken = 0;
    for (int neuron = 0; taken < count; neuron++) {
      if (random.nextInt(neurons - neuron) < count - taken) {
        ids[taken++] = neuron;
      }
    }
    return ids;
  }
}
