package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.coreinfer.RandomModel;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.weights.Quantization;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows are packed once a list has served some steps, and no bit changes then. */
class PackedDecodingTest {
  private static final int STEPS = 20; // which is more than packing waits for
  private static final int[] PROMPT = {5, 9, 17, 3, 40};

  private final Path folder;

  PackedDecodingTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q8_0", "F16"})
  void oneSequenceGetsTheSameBits(Quantization quantization) {
    check(
        quantization,
        (decoder, isPacked) -> {
          List<float[]> logits = new ArrayList<>();
          try (DecoderState state = prompted(decoder, 0)) {
            for (NeuronSet set :
                List.of(third(decoder, 0), third(decoder, 1), decoder.allNeurons())) {
              for (int step = 0; step < STEPS; step++) {
                logits.add(copy(decoder.decode(state, step, set)));
              }
              assertEquals(isPacked, state.neurons().hasPacks(0));
            }
            decoder
                .append(state, new int[] {4, 2, 7}, ActivationListener.NONE, fraction -> {})
                .forEach(each -> logits.add(copy(each)));
          }
          return logits;
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q8_0", "F16"})
  void sequencesTogetherGetTheSameBits(Quantization quantization) {
    check(
        quantization,
        (decoder, isPacked) -> {
          List<float[]> logits = new ArrayList<>();
          try (DecoderState a = prompted(decoder, 0);
              DecoderState b = prompted(decoder, 1);
              DecoderState c = prompted(decoder, 2)) {
            NeuronSet first = third(decoder, 0);
            NeuronSet second = third(decoder, 1);
            for (NeuronSet last : List.of(second, decoder.allNeurons())) {
              for (int step = 0; step < STEPS; step++) {
                List<BatchEntry> entries =
                    List.of(
                        new BatchEntry(a, step, first),
                        new BatchEntry(b, step + 1, second),
                        new BatchEntry(c, step + 2, last));
                decoder.decodeTogether(entries).forEach(each -> logits.add(copy(each)));
              }
            }
          }
          return logits;
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q8_0", "F16"})
  void memoryOfASequenceThatEndedServesTheNext(Quantization quantization) {
    check(
        quantization,
        (decoder, isPacked) -> {
          List<float[]> logits = new ArrayList<>();
          int firstPackedStep = STEPS;
          for (int round = 0; round < 3; round++) {
            try (DecoderState state = prompted(decoder, round)) {
              long before = NativeMemory.ownedBytes();
              NeuronSet set = third(decoder, round);
              int packedStep = STEPS;
              for (int step = 0; step < STEPS; step++) {
                logits.add(copy(decoder.decode(state, step, set)));
                if (packedStep == STEPS && state.neurons().hasPacks(0)) {
                  packedStep = step;
                }
              }
              long taken = NativeMemory.ownedBytes() - before;
              if (!isPacked) {
                assertEquals(STEPS, packedStep);
              } else if (round == 0) {
                firstPackedStep = packedStep;
                assertTrue(taken > 0);
              } else {
                assertTrue(packedStep < firstPackedStep, packedStep + " " + firstPackedStep);
                assertEquals(0, taken);
              }
            }
          }
          return logits;
        });
  }

  private void check(Quantization quantization, BiFunction<Decoder, Boolean, List<float[]>> work) {
    Path file = RandomModel.writeWide(folder, quantization);
    List<List<float[]>> results = new ArrayList<>();
    for (String packing : List.of("on", "off")) {
      System.setProperty("coreinfer.pack", packing);
      try (WeightFile weights = WeightFile.open(file, Host::map);
          Backend backend = Host.cpu(2);
          Decoder decoder = load(weights, backend)) {
        boolean isPacked = packing.equals("on") && packs(backend, quantization);
        results.add(work.apply(decoder, isPacked));
      } finally {
        System.clearProperty("coreinfer.pack");
      }
    }
    List<float[]> packed = results.get(0);
    List<float[]> plain = results.get(1);
    assertEquals(plain.size(), packed.size());
    for (int i = 0; i < plain.size(); i++) {
      assertArrayEquals(plain.get(i), packed.get(i), 0f, "logits " + i);
    }
  }

  private static float[] copy(Logits logits) {
    FloatBuffer values = logits.read();
    float[] copy = new float[values.remaining()];
    values.get(copy);
    return copy;
  }

  /** Whether this processor has packs for a dtype. */
  private static boolean packs(Backend backend, Quantization quantization) {
    String sets =
        quantization == Quantization.F16
            ? "amx|avx512bf16|avx512vnni|avx512|avxvnni|avx2"
            : "amx|avx512bf16|avx512vnni|avxvnni|avx2";
    return backend.description().matches(".*\\b(" + sets + ")\\b.*");
  }

  private static Decoder load(WeightFile file, Backend backend) {
    return new ModelLoader(file, Families.of(file)).load(backend, 128, fraction -> {});
  }

  private static DecoderState prompted(Decoder decoder, int shift) {
    DecoderState state = decoder.newState(128, 16, DType.F32);
    int[] tokens = IntStream.of(PROMPT).map(token -> token + shift).toArray();
    decoder.prefill(state, tokens, 16, ActivationListener.NONE, null, fraction -> {});
    return state;
  }

  /** Every third neuron, in every other layer another one. */
  private static NeuronSet third(Decoder decoder, int first) {
    ModelConfig config = decoder.config();
    int[][] lists = new int[config.layers()][];
    for (int layer = 0; layer < lists.length; layer++) {
      int start = (first + layer) % 3;
      lists[layer] =
          IntStream.range(0, config.neurons()).filter(n -> n % 3 == start || n < 20).toArray();
    }
    return NeuronSet.of(config, lists);
  }
}
