package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Several tokens at once are what decoding them one by one with all neurons is, bit for bit. */
class AppendTest {
  private static final int[] PROMPT = {5, 9, 17, 3, 40, 22};
  private static final int[] NEXT = {7, 11, 2, 30, 8, 8, 19, 4, 27, 33, 1, 12, 6, 25, 14, 39};

  private static final List<String> FAMILIES = TestData.families();

  static List<Arguments> familiesAndBackends() {
    return FAMILIES.stream()
        .flatMap(
            family ->
                Stream.of(TestBackend.CPU, TestBackend.SIMULATED_CUDA, TestBackend.CUDA)
                    .map(backend -> Arguments.of(family, backend)))
        .toList();
  }

  /** Calls {@code test} with a decoder and a state that has read the prompt. */
  private interface Work {
    void with(Decoder decoder, DecoderState state);
  }

  private static void afterPrompt(String family, TestBackend where, DType cache, Work work) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
        Backend backend = where.open();
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 64, fraction -> {})) {
      try (DecoderState state = decoder.newState(64, 32, cache)) {
        decoder.prefill(state, PROMPT, 32, ActivationListener.NONE, null, fraction -> {});
        work.with(decoder, state);
      }
    }
  }

  private static float[] copy(FloatBuffer logits) {
    float[] values = new float[logits.limit()];
    logits.get(values);
    return values;
  }

  private static List<float[]> oneByOne(Decoder decoder, DecoderState state, int[] tokens) {
    List<float[]> logits = new ArrayList<>();
    for (int token : tokens) {
      logits.add(copy(decoder.decode(state, token, decoder.allNeurons()).read()));
    }
    return logits;
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void equalsDecodingOneByOneBitForBit(String family, TestBackend backend) {
    for (DType cache : caches(family, backend)) {
      afterPrompt(
          family,
          backend,
          cache,
          (decoder, state) -> {
            int[] cuts = cuts(family, backend);
            int most = Math.min(NEXT.length, 3 * cuts[cuts.length - 1] - 1);
            int[] next = Arrays.copyOf(NEXT, most);
            List<float[]> expected = oneByOne(decoder, state, next);
            for (int cut : cuts) {
              state.truncate(PROMPT.length);
              for (int first = 0; first < next.length; first += cut) {
                int[] some = Arrays.copyOfRange(next, first, Math.min(first + cut, next.length));
                List<Logits> logits = decoder.append(state, some, ActivationListener.NONE);
                assertEquals(some.length, logits.size());
                for (int i = 0; i < some.length; i++) {
                  float[] got = copy(logits.get(i).read());
                  assertArrayEquals(expected.get(first + i), got, 0f, family + " token " + i);
                }
              }
              assertEquals(PROMPT.length + next.length, state.position());
              float[] after = copy(decoder.decode(state, 3, decoder.allNeurons()).read());
              state.truncate(PROMPT.length + next.length);
              float[] again =
                  copy(decoder.append(state, new int[] {3}, ActivationListener.NONE).get(0).read());
              assertArrayEquals(after, again, 0f);
            }
          });
    }
  }

  /** Sees what prefill's listener sees, and chooses the first neurons. */
  private static final class FirstNeurons implements ActivationListener {
    private final Backend queue;
    private final int listed;
    private final List<float[]> seen = new ArrayList<>();

    FirstNeurons(Backend queue, int listed) {
      this.queue = queue;
      this.listed = listed;
    }

    @Override
    public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
      assertEquals(seen.size(), layer);
      seen.add(queue.downloadFloats(activations, tokens * ffn.neurons()));
    }

    @Override
    public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
      queue.upload(IntStream.range(0, listed).toArray(), coreIds);
      queue.upload(new int[] {listed}, core);
      return listed;
    }
  }

  /** Both, or one of them where kernels run slowly, by turns. */
  private static List<DType> caches(String family, TestBackend backend) {
    List<DType> both = List.of(DType.F32, DType.F16);
    int turn = FAMILIES.indexOf(family) % 2;
    return backend.isSimulated() ? both.subList(turn, turn + 1) : both;
  }

  /**
   * How many tokens are appended at a time, up to the most that may be. Where kernels run slowly
   * two families of four append a few, the others the most, each with either cache.
   */
  private static int[] cuts(String family, TestBackend backend) {
    if (!backend.isSimulated()) {
      return new int[] {1, 2, 3, 4, 5, 9, 16};
    }
    return new int[] {FAMILIES.indexOf(family) % 4 < 2 ? 3 : 16};
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void letsTheListenerSeeActivationsAndChoose(String family, TestBackend backend) {
    afterPrompt(
        family,
        backend,
        DType.F32,
        (decoder, state) -> {
          ModelConfig config = decoder.config();
          int[] tokens = Arrays.copyOf(NEXT, 3);
          FirstNeurons listener = new FirstNeurons(state.queue(), config.neurons() / 2);
          decoder.append(state, tokens, listener);
          assertEquals(config.layers(), listener.seen.size());
          for (float[] activations : listener.seen) {
            assertEquals(tokens.length * config.neurons(), activations.length);
            for (int token = 0; token < tokens.length; token++) {
              int start = token * config.neurons();
              boolean isAnyActive = false;
              for (int i = start; i < start + config.neurons(); i++) {
                isAnyActive |= activations[i] != 0;
              }
              assertTrue(isAnyActive, "token " + token);
            }
          }
          NeuronSet chosen = state.chosen();
          for (int layer = 0; layer < config.layers(); layer++) {
            assertArrayEquals(
                IntStream.range(0, config.neurons() / 2).toArray(), chosen.ids(layer));
          }
          float[] core = copy(decoder.decode(state, 5, chosen).read());
          state.truncate(state.position() - 1);
          int[][] lists = new int[config.layers()][];
          Arrays.setAll(lists, layer -> IntStream.range(0, config.neurons() / 2).toArray());
          NeuronSet listed = NeuronSet.of(config, lists);
          assertArrayEquals(core, copy(decoder.decode(state, 5, listed).read()), 0f);
          state.truncate(state.position() - 1);
          decoder.append(state, tokens, ActivationListener.NONE);
          for (int layer = 0; layer < config.layers(); layer++) {
            assertEquals(config.neurons(), state.chosen().count(layer));
          }
        });
  }

  @Test
  void refusesTokensThatDoNotFit() {
    afterPrompt(
        "llama-silu",
        TestBackend.CPU,
        DType.F32,
        (decoder, state) -> {
          for (int[] bad : List.of(new int[0], new int[17], new int[] {-1}, new int[] {1 << 20})) {
            assertThrows(
                IllegalArgumentException.class,
                () -> decoder.append(state, bad, ActivationListener.NONE));
          }
          for (int i = 0; i < 3; i++) {
            decoder.append(state, new int[16], ActivationListener.NONE);
          }
          int position = state.position();
          IllegalArgumentException e =
              assertThrows(
                  IllegalArgumentException.class,
                  () -> decoder.append(state, new int[11], ActivationListener.NONE));
          assertTrue(String.valueOf(e.getMessage()).contains("context"), e.getMessage());
          assertEquals(position, state.position());
        });
  }
}
