package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CoreDecodingTest {
  private static final int[] PROMPT = {5, 9, 17, 3, 40, 22};

  @ParameterizedTest
  @ValueSource(strings = {"llama-silu", "llama-bf16", "opt-f16", "llama-drelu", "qwen3"})
  void everyNeuronListedEqualsDenseDecodingBitForBit(String family) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
        Backend backend = Host.cpu(2)) {
      try (Decoder decoder = load(file, backend)) {
        ModelConfig config = decoder.config();
        int[][] all = new int[config.layers()][];
        Arrays.setAll(all, i -> IntStream.range(0, config.neurons()).toArray());
        NeuronSet listed = NeuronSet.of(config, all);
        assertArrayEquals(logits(decoder, decoder.allNeurons()), logits(decoder, listed), 0f);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-silu", "opt-f16"})
  void fewerNeuronsChangeTheLogits(String family) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
        Backend backend = Host.cpu(2)) {
      try (Decoder decoder = load(file, backend)) {
        ModelConfig config = decoder.config();
        int[][] few = new int[config.layers()][];
        Arrays.setAll(few, i -> IntStream.range(0, config.neurons() / 2).toArray());
        NeuronSet listed = NeuronSet.of(config, few);
        assertFalse(Arrays.equals(logits(decoder, decoder.allNeurons()), logits(decoder, listed)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-silu"})
  void refusesListsThatAreNotAscending(String family) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
        Backend backend = Host.cpu(1)) {
      try (Decoder decoder = load(file, backend)) {
        ModelConfig config = decoder.config();
        for (int[] bad : new int[][] {{3, 2}, {1, 1}, {-1}, {config.neurons()}, {}}) {
          int[][] lists = new int[config.layers()][];
          lists[0] = bad;
          assertThrows(IllegalArgumentException.class, () -> NeuronSet.of(config, lists));
        }
      }
    }
  }

  private static Decoder load(WeightFile file, Backend backend) {
    return new ModelLoader(file, Families.of(file)).load(backend, 32, fraction -> {});
  }

  private static float[] logits(Decoder decoder, NeuronSet neurons) {
    try (DecoderState state = decoder.newState(32, 32, DType.F32)) {
      decoder.prefill(state, PROMPT, 32, ActivationListener.NONE, null, fraction -> {});
      decoder.decode(state, 7, neurons);
      FloatBuffer last = decoder.decode(state, 11, neurons).read();
      float[] copy = new float[last.limit()];
      last.get(copy);
      return copy;
    }
  }
}
