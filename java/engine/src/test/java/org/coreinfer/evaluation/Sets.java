package org.coreinfer.evaluation;

import java.util.SplittableRandom;
import org.coreinfer.backend.Activation;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.NeuronSet;
import org.jspecify.annotations.Nullable;

/** Sets of neurons for tests. */
final class Sets {
  private Sets() {}

  /** The listed neurons of each layer; null for all. */
  static CoreSet of(int neurons, int[] @Nullable ... layers) {
    return CoreSet.of(NeuronSet.of(config(layers.length, neurons), layers));
  }

  /** So many neurons of each layer, drawn at random. */
  static CoreSet random(int layers, int neurons, int count, SplittableRandom random) {
    int[][] ids = new int[layers][];
    for (int layer = 0; layer < layers; layer++) {
      ids[layer] = random.ints(0, neurons).distinct().limit(count).sorted().toArray();
    }
    return of(neurons, ids);
  }

  private static ModelConfig config(int layers, int neurons) {
    return new ModelConfig(
        "llama", 100, 64, layers, 32, 4, 4, 8, neurons, Activation.RELU, true, 0);
  }
}
