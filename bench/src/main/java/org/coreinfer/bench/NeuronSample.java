package org.coreinfer.bench;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

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

  /**
   * Ascending numbers of {@code count} of {@code neurons} neurons, of which another sample with the
   * same seed has about the fraction {@code shared}, too: some neurons are likely in every sample,
   * as in the core neurons of texts.
   *
   * @param shared at least what chance gives, {@code count / neurons}
   * @param number tells samples apart
   */
  static int[] alike(int neurons, int count, double shared, long seed, int number) {
    double keep = (double) count / neurons;
    // With so much of each score in common, pairs share the fraction that is asked for, nearly.
    double common = keep == 1 ? 0 : Math.sin(Math.PI / 2 * (shared - keep) / (1 - keep));
    SplittableRandom same = new SplittableRandom(seed);
    SplittableRandom own = new SplittableRandom(seed * 1000003 + number + 1);
    double[] scores = new double[neurons];
    for (int i = 0; i < neurons; i++) {
      scores[i] = Math.sqrt(common) * normal(same) + Math.sqrt(1 - common) * normal(own);
    }
    double[] sorted = scores.clone();
    Arrays.sort(sorted);
    double least = sorted[neurons - count];
    return IntStream.range(0, neurons).filter(i -> scores[i] >= least).limit(count).toArray();
  }

  /** Nearly normal, which is enough to rank by. */
  private static double normal(SplittableRandom random) {
    double sum = 0;
    for (int i = 0; i < 6; i++) {
      sum += random.nextDouble() - 0.5;
    }
    return sum;
  }
}
