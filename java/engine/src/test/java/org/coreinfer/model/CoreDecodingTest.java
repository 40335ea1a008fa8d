package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CoreDecodingTest {
  private static final int[] PROMPT = {5, 9, 17, 3, 40, 22};

  static Stream<Arguments> familiesAndBackends() {
    return Stream.of("llama-silu", "llama-bf16", "opt-f16", "llama-drelu", "qwen3")
        .flatMap(
            family ->
                Stream.of(TestBackend.CPU, TestBackend.SIMULATED_CUDA, TestBackend.CUDA)
                    .map(backend -> Arguments.of(family, backend)));
  }

  /** Calls {@code test} with a decoder. */
  private interface Work {
    void with(Decoder decoder);
  }

  private static void withDecoder(String family, TestBackend where, Work work) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
        Backend backend = where.open();
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 32, fraction -> {})) {
      work.with(decoder);
    }
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void everyNeuronListedEqualsDenseDecodingBitForBit(String family, TestBackend backend) {
    withDecoder(
        family,
        backend,
        decoder -> {
          int neurons = decoder.config().neurons();
          NeuronSet listed = everywhere(decoder, layer -> IntStream.range(0, neurons).toArray());
          assertArrayEquals(logits(decoder, decoder.allNeurons()), logits(decoder, listed), 0f);
        });
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void fewerNeuronsChangeTheLogits(String family, TestBackend backend) {
    withDecoder(
        family,
        backend,
        decoder -> {
          int half = decoder.config().neurons() / 2;
          NeuronSet listed = everywhere(decoder, layer -> IntStream.range(0, half).toArray());
          assertFalse(
              Arrays.equals(logits(decoder, decoder.allNeurons()), logits(decoder, listed)));
        });
  }

  @Test
  void refusesListsThatAreNotAscending() {
    withDecoder(
        "llama-silu",
        TestBackend.CPU,
        decoder -> {
          int neurons = decoder.config().neurons();
          for (int[] bad :
              List.of(
                  new int[] {3, 2},
                  new int[] {1, 1},
                  new int[] {-1},
                  new int[] {neurons},
                  new int[] {})) {
            assertThrows(
                IllegalArgumentException.class,
                () -> everywhere(decoder, layer -> layer == 0 ? bad : null));
          }
        });
  }

  private static NeuronSet everywhere(Decoder decoder, IntFunction<int[]> list) {
    int[][] lists = new int[decoder.config().layers()][];
    Arrays.setAll(lists, list);
    return NeuronSet.of(decoder.config(), lists);
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
