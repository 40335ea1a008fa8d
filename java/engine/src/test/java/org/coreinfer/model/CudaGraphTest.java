package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.cuda.SimulatedCuda;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Decoding as a graph, on the simulated device, whose graphs hold kernels with the arguments that
 * they had when they were recorded.
 */
@Timeout(120)
class CudaGraphTest {
  private static final int OUT_OF_MEMORY = 2;
  private static final int DEVICE_ERROR = 5;
  private static final int CAPACITY = 64;

  /** Works with a decoder on a device. */
  private interface Work {
    void with(Decoder decoder);
  }

  private static void withDecoder(SimulatedCuda cuda, String family, Work work) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
        Backend backend = cuda.open();
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, CAPACITY, fraction -> {})) {
      work.with(decoder);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-silu", "opt-f16", "mistral-window", "qwen3"})
  void oneGraphServesEveryNeuronSetAndPosition(String family) {
    SimulatedCuda recorded = SimulatedCuda.plain();
    List<float[]> repeated = new ArrayList<>();
    withDecoder(recorded, family, decoder -> repeated.addAll(manySteps(decoder)));
    assertEquals(1, recorded.captures());
    assertEquals(repeated.size() - 1, recorded.launches()); // the first one is made of plain calls
    withDecoder(
        SimulatedCuda.withoutGraphs(),
        family,
        decoder -> {
          List<float[]> plain = manySteps(decoder);
          for (int i = 0; i < plain.size(); i++) {
            assertArrayEquals(plain.get(i), repeated.get(i), 0f, "step " + i);
          }
        });
  }

  /** Prompts and steps in turns, with a new set of neurons now and then. */
  private static List<float[]> manySteps(Decoder decoder) {
    List<float[]> logits = new ArrayList<>();
    Random random = new Random(5);
    try (DecoderState state = decoder.newState(CAPACITY, 8, DType.F16)) {
      for (int turn = 0; turn < 4; turn++) {
        int[] prompt = random.ints(3 + 4 * turn, 0, decoder.config().vocabulary()).toArray();
        decoder.prefill(state, prompt, 8, ActivationListener.NONE, null, fraction -> {});
        NeuronSet neurons = turn == 1 ? decoder.allNeurons() : randomSet(decoder, random);
        for (int step = 0; step < 3; step++) {
          logits.add(copy(decoder.decode(state, prompt[step], neurons)));
        }
      }
    }
    return logits;
  }

  private static NeuronSet randomSet(Decoder decoder, Random random) {
    int neurons = decoder.config().neurons();
    int[][] lists = new int[decoder.config().layers()][];
    for (int layer = 0; layer < lists.length; layer++) {
      double keep = random.nextDouble();
      int[] list = IntStream.range(0, neurons).filter(n -> random.nextDouble() < keep).toArray();
      lists[layer] = list.length == 0 ? null : list;
    }
    return NeuronSet.of(decoder.config(), lists);
  }

  private static float[] copy(Logits logits) {
    FloatBuffer view = logits.read();
    float[] copy = new float[view.limit()];
    view.get(copy);
    return copy;
  }

  @Test
  void stepsThatNobodyWaitedForKeepTheirInputs() {
    withDecoder(
        SimulatedCuda.plain(),
        "llama-silu",
        decoder -> assertArrayEquals(fiveSteps(decoder, true), fiveSteps(decoder, false), 0f));
  }

  private static float[] fiveSteps(Decoder decoder, boolean readsEach) {
    try (DecoderState state = decoder.newState(CAPACITY, 8, DType.F32)) {
      Logits logits = decoder.decode(state, 1, decoder.allNeurons());
      for (int token = 2; token < 6; token++) {
        if (readsEach) {
          logits.read();
        }
        logits = decoder.decode(state, token, decoder.allNeurons());
      }
      return copy(logits);
    }
  }

  @Test
  void aFailureWhileAGraphIsRecordedLeavesTheStateUsable() {
    SimulatedCuda cuda = SimulatedCuda.plain();
    withDecoder(
        cuda,
        "llama-silu",
        decoder -> {
          float[] expected = fiveSteps(decoder, true);
          try (DecoderState state = decoder.newState(CAPACITY, 8, DType.F32)) {
            decoder.decode(state, 1, decoder.allNeurons());
            cuda.failWith((name, arguments) -> name.equals("ci_ffn_decode") ? DEVICE_ERROR : 0);
            BackendException e =
                assertThrows(
                    BackendException.class, () -> decoder.decode(state, 2, decoder.allNeurons()));
            assertTrue(String.valueOf(e.getMessage()).contains("cuda device 0"), e.getMessage());
            assertTrue(String.valueOf(e.getMessage()).contains("ci_ffn_decode"), e.getMessage());
            assertEquals(1, state.position());
            cuda.repair();
            Logits logits = state.logits();
            for (int token = 2; token < 6; token++) {
              logits = decoder.decode(state, token, decoder.allNeurons());
            }
            assertArrayEquals(expected, copy(logits), 0f);
          }
        });
    assertEquals(0, cuda.openHandles());
  }

  @Test
  void memoryThatIsRefusedLeavesTheModelUsable() {
    SimulatedCuda cuda = SimulatedCuda.plain();
    withDecoder(
        cuda,
        "llama-silu",
        decoder -> {
          float[] expected = fiveSteps(decoder, true);
          long free = cuda.freeBytes();
          int allocations = allocationsOfAState(cuda, decoder);
          assertTrue(allocations > 10);
          for (int refused = 0; refused < allocations; refused++) {
            refuseAllocation(cuda, refused);
            OutOfNativeMemoryException e =
                assertThrows(
                    OutOfNativeMemoryException.class,
                    () -> decoder.newState(CAPACITY, 8, DType.F32).close());
            assertTrue(String.valueOf(e.getMessage()).contains("MiB"), e.getMessage());
            cuda.repair();
            assertEquals(free, cuda.freeBytes());
          }
          assertArrayEquals(expected, fiveSteps(decoder, true), 0f);
        });
  }

  private static int allocationsOfAState(SimulatedCuda cuda, Decoder decoder) {
    cuda.forgetCalls();
    decoder.newState(CAPACITY, 8, DType.F32).close();
    return cuda.calls("ci_memory_allocate");
  }

  private static void refuseAllocation(SimulatedCuda cuda, int number) {
    cuda.forgetCalls();
    cuda.failWith(
        (name, arguments) ->
            name.equals("ci_memory_allocate") && cuda.calls(name) == number + 1
                ? OUT_OF_MEMORY
                : 0);
  }
}
