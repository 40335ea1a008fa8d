package org.coreinfer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.model.Tail;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.HalfFloat;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What stands for left-out neurons, against plain sums in double precision, on every backend. */
class TailTest {
  private static final int[] PROMPT = {5, 9, 17, 3, 40, 22, 8};
  private static final int[] ANSWER = {7, 11, 2};
  private static final int CHUNK = 4; // shorter than the prompt
  private static final double TOLERANCE = 1e-4;
  private static final double ROUNDED_TOLERANCE = 5e-3;
  private static final Upkeep COMPENSATED = new Upkeep(0, true, false);

  /** Calls {@code test} with a decoder. */
  private interface Work {
    void with(Decoder decoder, DecoderState state);
  }

  private static void withDecoder(String family, TestBackend where, Work work) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
        Backend backend = where.open();
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 32, fraction -> {});
        DecoderState state = decoder.newState(32, 8, DType.F32)) {
      work.with(decoder, state);
    }
  }

  private static double tolerance(TestBackend where) {
    return where.roundsProducts() ? ROUNDED_TOLERANCE : TOLERANCE;
  }

  private static float[] random(long seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** What a tail adds to y for an input x. */
  private static float[] added(Backend queue, Tail tail, int layer, float[] x, float[] y) {
    try (NativeMemory input = queue.allocateFloats("x", x.length);
        NativeMemory output = queue.allocateFloats("y", y.length)) {
      queue.upload(x, input);
      queue.upload(y, output);
      tail.add(queue, layer, input, output);
      float[] sums = queue.downloadFloats(output, y.length);
      for (int i = 0; i < y.length; i++) {
        sums[i] -= y[i];
      }
      return sums;
    }
  }

  // ---- each kind of tail ----

  @ParameterizedTest
  @EnumSource
  void aLinearTailAddsTheMapOfItsLayer(TestBackend where) {
    int layers = 3;
    int rank = 5;
    int dim = 36;
    LinearMap map = PlantedCalibration.map(layers, rank, dim, 1);
    try (Backend backend = where.open();
        LinearTail tail = new LinearTail(backend, map)) {
      float[] x = random(2, dim);
      for (int layer = 0; layer < layers; layer++) {
        float[] found = added(backend, tail, layer, x, random(3, dim));
        double[] expected = mapped(map, layer, x);
        for (int i = 0; i < dim; i++) {
          assertEquals(expected[i], found[i], 20 * tolerance(where), "layer " + layer);
        }
        assertEquals((2L * rank * dim) * 2 + dim * 4L, tail.bytes(layer));
      }
    }
  }

  private static double[] mapped(LinearMap map, int layer, float[] x) {
    int dim = x.length;
    double[] expected = new double[dim];
    for (int i = 0; i < dim; i++) {
      expected[i] = map.constant()[layer][i];
    }
    for (int r = 0; r < map.rank(); r++) {
      double hidden = 0;
      for (int i = 0; i < dim; i++) {
        hidden += (double) HalfFloat.toFloat(map.in()[layer][r * dim + i]) * x[i];
      }
      for (int i = 0; i < dim; i++) {
        expected[i] += HalfFloat.toFloat(map.out()[layer][i * map.rank() + r]) * hidden;
      }
    }
    return expected;
  }

  /** Chooses as scores do, and keeps what they saw. */
  private static final class Witness implements ActivationListener {
    final NeuronScores scores;
    final List<List<float[]>> activations = new ArrayList<>(); // by layer, of each token
    private final Backend queue;

    Witness(NeuronScores scores, DecoderState state, ModelConfig config) {
      this.scores = scores;
      this.queue = state.queue();
      for (int layer = 0; layer < config.layers(); layer++) {
        activations.add(new ArrayList<>());
      }
    }

    @Override
    public void observe(int layer, FfnWeights ffn, NativeMemory memory, int tokens) {
      float[] all = queue.downloadFloats(memory, tokens * ffn.neurons());
      for (int t = 0; t < tokens; t++) {
        activations
            .get(layer)
            .add(Arrays.copyOfRange(all, t * ffn.neurons(), (t + 1) * ffn.neurons()));
      }
      scores.observe(layer, ffn, memory, tokens);
    }

    @Override
    public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
      return scores.choose(layer, ffn, coreIds, core);
    }

    /** The mean over tokens of what the neurons that are not listed give. */
    double[] meanOfOthers(int layer, int[] listed, float[][] down) {
      double[] sum = new double[down[0].length];
      for (float[] token : activations.get(layer)) {
        for (int neuron = 0; neuron < token.length; neuron++) {
          boolean isLeftOut = Arrays.binarySearch(listed, neuron) < 0;
          for (int i = 0; isLeftOut && i < sum.length; i++) {
            sum[i] += (double) token[neuron] * down[neuron][i] / activations.get(layer).size();
          }
        }
      }
      return sum;
    }
  }

  /** (neurons, dim) of a layer, from the file. */
  private static float[][] downRows(String family, int layer) {
    try (WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map)) {
      String name = family.startsWith("opt") ? OPT_DOWN : LLAMA_DOWN;
      Tensor down = file.tensor(name.formatted(layer)); // (dim, neurons)
      float[][] rows = new float[down.columns()][down.rows()];
      float[] values = new float[down.columns()];
      for (int i = 0; i < down.rows(); i++) {
        RowSource.of(down).read(i, values);
        for (int neuron = 0; neuron < values.length; neuron++) {
          rows[neuron][i] = values[neuron];
        }
      }
      return rows;
    }
  }

  private static final String LLAMA_DOWN = "model.layers.%d.mlp.down_proj.weight";
  private static final String OPT_DOWN = "model.decoder.layers.%d.fc2.weight";

  private static List<Arguments> familiesAndBackends() {
    List<Arguments> all = new ArrayList<>();
    for (String family : List.of("llama-silu", "opt-f16")) {
      for (TestBackend backend : TestBackend.values()) {
        all.add(Arguments.of(family, backend));
      }
    }
    return all;
  }

  private static void prefill(Decoder decoder, DecoderState state, ActivationListener listener) {
    decoder.prefill(state, PROMPT, CHUNK, listener, null, fraction -> {});
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void aMeanTailAddsTheMeanOfWhatTheOthersGaveInThePrompt(String family, TestBackend where) {
    withDecoder(
        family,
        where,
        (decoder, state) -> {
          CoreOptions options = CoreOptions.stability(0.5).withUpkeep(COMPENSATED);
          try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
            Witness witness = new Witness(scores, state, decoder.config());
            prefill(decoder, state, witness);
            NeuronSet chosen = scores.chosen(state);
            checkMeans(family, where, decoder, state, witness, chosen);
            // A second prompt goes on with the sums; forgetting begins anew.
            prefill(decoder, state, witness);
            checkMeans(family, where, decoder, state, witness, scores.chosen(state));
            scores.forget();
            witness.activations.forEach(List::clear);
            prefill(decoder, state, witness);
            checkMeans(family, where, decoder, state, witness, scores.chosen(state));
          }
        });
  }

  private static void checkMeans(
      String family,
      TestBackend where,
      Decoder decoder,
      DecoderState state,
      Witness witness,
      NeuronSet chosen) {
    Tail tail = chosen.tail();
    assertNotNull(tail);
    int dim = decoder.config().dim();
    for (int layer = 0; layer < decoder.config().layers(); layer++) {
      double[] expected = witness.meanOfOthers(layer, chosen.ids(layer), downRows(family, layer));
      float[] found = added(state.queue(), tail, layer, random(1, dim), new float[dim]);
      double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
      for (int i = 0; i < dim; i++) {
        assertEquals(expected[i], found[i], tolerance(where) * largest, "layer " + layer);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void restoredSumsGiveTheSameMeans(TestBackend where) {
    withDecoder(
        "llama-silu",
        where,
        (decoder, state) -> {
          CoreOptions options = CoreOptions.stability(0.5).withUpkeep(COMPENSATED);
          try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
            prefill(decoder, state, scores);
            NeuronScores.Snapshot snapshot = scores.snapshot();
            prefill(decoder, state, scores);
            float[] expected = answer(decoder, state, scores.chosen(state));
            scores.restore(snapshot);
            state.truncate(PROMPT.length);
            prefill(decoder, state, scores);
            assertArrayEquals(expected, answer(decoder, state, scores.chosen(state)), 0f);
          }
        });
  }

  // ---- in decoding ----

  /** The logits after each token of an answer, one after the other. */
  private static float[] answer(Decoder decoder, DecoderState state, NeuronSet neurons) {
    float[] all = new float[ANSWER.length * decoder.config().vocabulary()];
    FloatBuffer target = FloatBuffer.wrap(all);
    for (int token : ANSWER) {
      target.put(decoder.decode(state, token, neurons).read());
    }
    return all;
  }

  private static float[] afterPrompt(Decoder decoder, DecoderState state, NeuronSet neurons) {
    state.truncate(0);
    prefill(decoder, state, ActivationListener.NONE);
    return answer(decoder, state, neurons);
  }

  private static NeuronSet half(ModelConfig config, int parity) {
    int[] list = new int[config.neurons() / 2];
    Arrays.setAll(list, i -> 2 * i + parity);
    int[][] lists = new int[config.layers()][];
    Arrays.fill(lists, list);
    return NeuronSet.of(config, lists);
  }

  /** Adds what the listed neurons give, by the kernel that decodes them. */
  private static final class OtherNeurons implements Tail, AutoCloseable {
    private final List<FfnWeights> ffns = new ArrayList<>();
    private final NativeMemory ids;
    private final NativeMemory count;
    private final NativeMemory activations;

    OtherNeurons(Decoder decoder, DecoderState state, int[] listed) {
      Backend queue = state.queue();
      int neurons = decoder.config().neurons();
      this.ids = queue.allocateInts("ids", neurons);
      this.count = queue.allocateInts("count", 1);
      this.activations = queue.allocateFloats("activations", neurons);
      queue.upload(listed, ids);
      queue.upload(new int[] {listed.length}, count);
      prefill(
          decoder,
          state,
          (layer, ffn, seen, tokens) -> {
            if (ffns.size() == layer) {
              // A bias of the output is added by the neurons that the set lists.
              ffns.add(
                  new FfnWeights(
                      ffn.activation(),
                      ffn.gate(),
                      ffn.up(),
                      ffn.down(),
                      ffn.gateBias(),
                      ffn.upBias(),
                      null));
            }
          });
      state.truncate(0);
    }

    @Override
    public void add(Backend on, int layer, NativeMemory x, NativeMemory y) {
      on.ffnDecode(ffns.get(layer), x, ids, count, activations, y);
    }

    @Override
    public long bytes(int layer) {
      return 0;
    }

    @Override
    public void close() {
      ids.close();
      count.close();
      activations.close();
    }
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void halfTheNeuronsAndATailOfTheOtherHalfAreDenseDecoding(String family, TestBackend where) {
    withDecoder(
        family,
        where,
        (decoder, state) -> {
          NeuronSet even = half(decoder.config(), 0);
          int[] odd = half(decoder.config(), 1).ids(0);
          float[] dense = afterPrompt(decoder, state, decoder.allNeurons());
          state.truncate(0);
          try (OtherNeurons others = new OtherNeurons(decoder, state, odd)) {
            float[] tailed = afterPrompt(decoder, state, even.withTail(others));
            assertArrayEquals(dense, tailed, 1e-3f);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void stepsWithAndWithoutTailsTakeTurns(String family, TestBackend where) {
    withDecoder(
        family,
        where,
        (decoder, state) -> {
          ModelConfig config = decoder.config();
          Backend queue = state.queue();
          int layers = config.layers();
          try (LinearTail one =
                  new LinearTail(queue, PlantedCalibration.map(layers, 2, config.dim(), 5));
              LinearTail two =
                  new LinearTail(queue, PlantedCalibration.map(layers, 3, config.dim(), 6))) {
            NeuronSet half = half(config, 0);
            List<NeuronSet> sets =
                List.of(half, half.withTail(one), half.withTail(two), decoder.allNeurons());
            List<float[]> expected = new ArrayList<>();
            for (NeuronSet set : sets) {
              try (DecoderState fresh = decoder.newState(32, 8, DType.F32)) {
                expected.add(afterPrompt(decoder, fresh, set));
              }
            }
            for (int i = 1; i < sets.size(); i++) {
              assertFalse(Arrays.equals(expected.get(i - 1), expected.get(i)));
            }
            for (int i : new int[] {0, 1, 0, 1, 1, 2, 1, 3, 2, 0, 3, 1}) {
              assertArrayEquals(
                  expected.get(i), afterPrompt(decoder, state, sets.get(i)), 0f, "set " + i);
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void everyNeuronHasNoTail(TestBackend where) {
    withDecoder(
        "llama-silu",
        where,
        (decoder, state) -> {
          assertNull(decoder.allNeurons().tail());
          float[] dense = afterPrompt(decoder, state, decoder.allNeurons());
          ModelConfig config = decoder.config();
          Calibration calibration =
              PlantedCalibration.of(PlantedCalibration.halves(config.layers(), config.neurons()))
                  .withMaps(Map.of(2, PlantedCalibration.map(config.layers(), 2, config.dim(), 1)));
          for (CoreOptions options :
              List.of(
                  CoreOptions.dense().withUpkeep(COMPENSATED),
                  CoreOptions.stability(1).withUpkeep(COMPENSATED),
                  CoreOptions.auto(1, calibration),
                  CoreOptions.similarity(1, calibration))) {
            try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
              state.truncate(0);
              prefill(decoder, state, scores);
              float[] found = answer(decoder, state, scores.chosen(state));
              assertArrayEquals(dense, found, 0f, options.method() + "");
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void denseLayersOfARangeGetNoMean(TestBackend where) {
    withDecoder(
        "llama-silu",
        where,
        (decoder, state) -> {
          CoreOptions options =
              CoreOptions.stability(0.5)
                  .withLayers(new CoreOptions.LayerRange(1, 1))
                  .withUpkeep(COMPENSATED);
          try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
            prefill(decoder, state, scores);
            Tail tail = scores.chosen(state).tail();
            assertNotNull(tail);
            int dim = decoder.config().dim();
            float[] x = random(1, dim);
            float[] nothing = new float[dim];
            assertArrayEquals(nothing, added(state.queue(), tail, 0, x, nothing));
            assertFalse(Arrays.equals(nothing, added(state.queue(), tail, 1, x, nothing)));
          }
        });
  }
}
