package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.coreinfer.RandomModel;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.GgufQuantization;
import org.coreinfer.weights.Quantization;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A model in every dtype, all of whose matrices suit it: embedding, prefill, dense and core
 * decoding against the same weights written out as F32.
 */
class QuantizedDecodingTest {
  private static final int[] PROMPT = {5, 9, 17, 3, 40, 22, 8, 61, 2, 90};

  /**
   * Relative to the largest logit. Where integers are multiplied vectors have 16 bits, whose
   * rounding grows through the layers; it stays far below what the formats round weights by.
   */
  private static final double TOLERANCE = 1e-3;

  /**
   * Of the differences' root mean square, relative to that of the logits, with vectors of 8 bits.
   */
  private static final double BYTES_TOLERANCE = 0.08;

  private final Path folder;

  QuantizedDecodingTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @ParameterizedTest
  @EnumSource(Quantization.class)
  void computesWhatTheSameWeightsInF32Give(Quantization quantization) {
    Path file = RandomModel.writeWide(folder, quantization);
    Path plain = folder.resolve("plain.gguf");
    try (GgufFile source = GgufFile.open(file, Host::map)) {
      assertEquals(quantization.dtype(), source.tensor("blk.1.ffn_up.weight").dtype());
      new GgufQuantization(source, Quantization.F32).write(plain, (written, total) -> {});
    }
    List<float[]> expected = logits(plain, 16);
    assertNear(expected, logits(file, 16), TOLERANCE);
    double difference = relativeDifference(expected, logits(file, 8));
    assertTrue(difference < BYTES_TOLERANCE, () -> "8 bits: " + difference);
  }

  private static double relativeDifference(List<float[]> expected, List<float[]> found) {
    double squares = 0;
    double differences = 0;
    for (int step = 0; step < expected.size(); step++) {
      for (int i = 0; i < expected.get(step).length; i++) {
        double logit = expected.get(step)[i];
        squares += logit * logit;
        differences += Math.pow(found.get(step)[i] - logit, 2);
      }
    }
    return Math.sqrt(differences / squares);
  }

  private static void assertNear(List<float[]> expected, List<float[]> found, double tolerance) {
    for (int step = 0; step < expected.size(); step++) {
      double largest = 0;
      for (float logit : expected.get(step)) {
        largest = Math.max(largest, Math.abs(logit));
      }
      assertArrayEquals(
          expected.get(step), found.get(step), (float) (tolerance * largest), "step " + step);
    }
  }

  @ParameterizedTest
  @EnumSource(Quantization.class)
  void everyNeuronListedEqualsDenseDecodingBitForBit(Quantization quantization) {
    Path file = RandomModel.writeWide(folder, quantization);
    try (WeightFile weights = WeightFile.open(file, Host::map);
        Backend one = Host.cpu(1);
        Backend three = Host.cpu(3);
        Decoder decoder = load(weights, one);
        Decoder parallel = load(weights, three)) {
      int neurons = decoder.config().neurons();
      NeuronSet listed = everywhere(decoder, layer -> IntStream.range(0, neurons).toArray());
      float[] dense = last(decoder, decoder.allNeurons());
      assertArrayEquals(dense, last(decoder, listed), 0f);
      assertArrayEquals(dense, last(parallel, listed), 0f);
      assertFalse(Arrays.equals(dense, last(decoder, everyThird(decoder))));
    }
  }

  private static Decoder load(WeightFile file, Backend backend) {
    return new ModelLoader(file, Families.of(file)).load(backend, 64, fraction -> {});
  }

  /** After each token of the prompt, two dense steps and two with every third neuron. */
  private static List<float[]> logits(Path path, int activationBits) {
    List<float[]> all = new ArrayList<>();
    try (WeightFile file = WeightFile.open(path, Host::map);
        Backend backend = Host.cpu(2, activationBits);
        Decoder decoder = load(file, backend);
        DecoderState state = decoder.newState(64, 64, DType.F32)) {
      decoder.prefill(
          state,
          PROMPT,
          64,
          ActivationListener.NONE,
          (token, logits) -> all.add(copy(logits)),
          fraction -> {});
      NeuronSet core = everyThird(decoder);
      all.add(copy(decoder.decode(state, 7, decoder.allNeurons()).read()));
      all.add(copy(decoder.decode(state, 11, decoder.allNeurons()).read()));
      all.add(copy(decoder.decode(state, 95, core).read()));
      all.add(copy(decoder.decode(state, 0, core).read()));
    }
    assertEquals(PROMPT.length + 4, all.size());
    return all;
  }

  private static float[] last(Decoder decoder, NeuronSet neurons) {
    try (DecoderState state = decoder.newState(64, 64, DType.F32)) {
      decoder.prefill(state, PROMPT, 64, ActivationListener.NONE, null, fraction -> {});
      decoder.decode(state, 7, neurons);
      return copy(decoder.decode(state, 11, neurons).read());
    }
  }

  private static NeuronSet everyThird(Decoder decoder) {
    int neurons = decoder.config().neurons();
    return everywhere(
        decoder, layer -> IntStream.range(0, neurons).filter(n -> n % 3 == layer % 3).toArray());
  }

  private static NeuronSet everywhere(Decoder decoder, IntFunction<int[]> list) {
    int[][] lists = new int[decoder.config().layers()][];
    Arrays.setAll(lists, list);
    return NeuronSet.of(decoder.config(), lists);
  }

  private static float[] copy(FloatBuffer logits) {
    float[] copy = new float[logits.remaining()];
    logits.get(copy);
    return copy;
  }
}
