package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.backend.cuda.SimulatedCuda;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.core.Rules;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.generation.CoreDecoding;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.Logits;
import org.coreinfer.tensor.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Core neurons that are renewed while tokens are decoded. */
@Timeout(120)
@ParameterizedClass
@EnumSource(TestBackend.class)
class RefreshTest {
  private static final int DEVICE_ERROR = 5;
  private static final Decoder.Monitor UNHEARD = fraction -> {};

  /** Tokens of {@link RandomModel}, whose neurons differ from token to token. */
  private static final int[] PROMPT = {1, 7, 30, 20, 12, 90, 5, 61, 33, 8};

  private static final int[] NEXT = {44, 9, 71, 3, 18, 52, 27, 66, 80, 15, 2, 38};

  private final TestBackend where;

  @SuppressWarnings("NullAway.Init")
  private Model model;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  RefreshTest(TestBackend where) {
    this.where = where;
  }

  @BeforeEach
  void load() {
    Path file = RandomModel.write(folder, DType.F16);
    model = TestModels.on(where, Model.builder(file)).contextLength(64).load();
  }

  @AfterEach
  void close() {
    if (model != null) { // else the backend is not here
      model.close();
    }
  }

  private static CoreOptions core(double keep, int refresh) {
    return CoreOptions.stability(keep).withUpkeep(Upkeep.refreshing(refresh));
  }

  private interface Work {
    void with(CoreDecoding decoding, DecoderState state);
  }

  /** Works on a sequence that has read the prompt. */
  private static void afterPrompt(Model of, CoreOptions options, Work work) {
    Decoder decoder = of.decoder();
    try (DecoderState state = decoder.newState(64, 16, DType.F32);
        CoreDecoding decoding = new CoreDecoding(decoder, state, options)) {
      decoding.prefill(PROMPT, UNHEARD);
      work.with(decoding, state);
    }
  }

  private void afterPrompt(CoreOptions options, Work work) {
    afterPrompt(model, options, work);
  }

  private static float[] copy(Logits logits) {
    FloatBuffer view = logits.read();
    float[] copy = new float[view.limit()];
    view.get(copy);
    return copy;
  }

  private static float[][] decode(CoreDecoding decoding, int first, int end) {
    float[][] logits = new float[end - first][];
    for (int i = first; i < end; i++) {
      logits[i - first] = copy(decoding.decode(NEXT[i], UNHEARD));
    }
    return logits;
  }

  private float[][] decodeAll(CoreOptions options) {
    float[][][] logits = new float[1][][];
    afterPrompt(options, (decoding, state) -> logits[0] = decode(decoding, 0, NEXT.length));
    return logits[0];
  }

  /** Up to rounding: the one reads tokens as prompts do, the other decodes them. */
  @Test
  void refreshingEveryTokenIsDenseDecoding() {
    float[][] dense = decodeAll(CoreOptions.dense());
    float[][] refreshed = decodeAll(core(0.2, 1));
    float[][] core = decodeAll(core(0.2, 0));
    float tolerance = where.roundsProducts() ? 0.05f : 1e-3f;
    for (int i = 0; i < dense.length; i++) {
      assertArrayEquals(dense[i], refreshed[i], tolerance, "token " + i);
    }
    assertTrue(distance(dense[5], core[5]) > 4 * tolerance); // of which the test could tell
  }

  private static float distance(float[] x, float[] y) {
    float most = 0;
    for (int i = 0; i < x.length; i++) {
      most = Math.max(most, Math.abs(x[i] - y[i]));
    }
    return most;
  }

  @Test
  void theSetChangesWithEveryKthTokenOnly() {
    afterPrompt(
        core(0.2, 4),
        (decoding, state) -> {
          List<int[]> sets = idsAfterEach(decoding);
          for (int i = 1; i < sets.size(); i++) {
            boolean isRefresh = i % 4 == 0;
            assertEquals(!isRefresh, Arrays.equals(sets.get(i - 1), sets.get(i)), "token " + i);
            assertEquals(sets.get(0).length, sets.get(i).length);
          }
          assertEquals(3, decoding.refreshes().count());
          double drift = decoding.refreshes().drift();
          assertTrue(drift > 0 && drift < 1, "drift " + drift);
          assertTrue(decoding.refreshes().nanos() > 0);
        });
  }

  /** All layers' core neurons before the first token and after each. */
  private List<int[]> idsAfterEach(CoreDecoding decoding) {
    int[][] sets = new int[NEXT.length + 1][];
    sets[0] = ids(decoding);
    for (int i = 0; i < NEXT.length; i++) {
      decoding.decode(NEXT[i], UNHEARD);
      sets[i + 1] = ids(decoding);
    }
    return List.of(sets);
  }

  private static int[] ids(CoreDecoding decoding) {
    return IntStream.range(0, RandomModel.LAYERS)
        .flatMap(layer -> Arrays.stream(decoding.neurons().ids(layer)))
        .toArray();
  }

  @Test
  void aSetThatNobodyReadsDecodesAlike() {
    float[][] unread = decodeAll(core(0.2, 3));
    afterPrompt(
        core(0.2, 3),
        (decoding, state) -> {
          for (int i = 0; i < NEXT.length; i++) {
            assertArrayEquals(unread[i], copy(decoding.decode(NEXT[i], UNHEARD)), 0f, "token " + i);
            assertFalse(ids(decoding).length == 0);
          }
        });
  }

  @Test
  void whatHoldsEveryNeuronDoesNotDrift() {
    afterPrompt(
        core(1, 2),
        (decoding, state) -> {
          decode(decoding, 0, NEXT.length);
          assertEquals(NEXT.length / 2, decoding.refreshes().count());
          assertEquals(0, decoding.refreshes().drift());
        });
  }

  @Test
  void onlySparseLayersAreRenewed() {
    afterPrompt(
        core(0.2, 2).withLayers(new LayerRange(1, 2)),
        (decoding, state) -> {
          decode(decoding, 0, 2);
          assertEquals(RandomModel.NEURONS, decoding.neurons().count(0));
          assertEquals(RandomModel.NEURONS / 5, decoding.neurons().count(1));
          decode(decoding, 2, 3);
          assertTrue(decoding.refreshes().drift() > 0);
        });
  }

  @Test
  void everyRuleIsRenewed() {
    for (String rule : Rules.NAMES) {
      afterPrompt(
          core(0.2, 3).withRule(rule),
          (decoding, state) -> {
            int[] before = ids(decoding);
            decode(decoding, 0, 3);
            assertFalse(Arrays.equals(before, ids(decoding)), rule);
          });
    }
  }

  @Test
  void theAnswersRefreshesStartWithItsPrompt() {
    afterPrompt(
        core(0.2, 3),
        (decoding, state) -> {
          decode(decoding, 0, 5);
          decoding.prefill(new int[] {4, 6}, UNHEARD);
          assertEquals(0, decoding.refreshes().count());
          decode(decoding, 0, 2);
          assertEquals(0, decoding.refreshes().count());
          decode(decoding, 2, 3);
          assertEquals(1, decoding.refreshes().count());
        });
  }

  @Test
  void aCancelledRefreshCanBeMadeAgain() {
    float[][] expected = decodeAll(core(0.2, 3));
    for (double end : new double[] {0.1, 1}) {
      afterPrompt(
          core(0.2, 3),
          (decoding, state) -> {
            for (int i = 0; i < NEXT.length; i++) {
              int token = NEXT[i];
              int position = state.position();
              if (i % 3 == 2) {
                assertThrows(
                    GenerationCancelledException.class,
                    () -> decoding.decode(token, fraction -> cancelAt(end, fraction)));
              }
              assertEquals(position, state.position());
              assertArrayEquals(
                  expected[i], copy(decoding.decode(token, UNHEARD)), 0f, "token " + i);
            }
          });
    }
  }

  private static void cancelAt(double end, double fraction) {
    if (fraction >= end) {
      throw new GenerationCancelledException("enough");
    }
  }

  @Test
  void aPromptThatIsCancelledAfterARefreshLeavesTheSet() {
    float[][] expected = decodeAll(core(0.2, 3));
    afterPrompt(
        core(0.2, 3),
        (decoding, state) -> {
          decode(decoding, 0, 4);
          assertThrows(
              GenerationCancelledException.class,
              () -> decoding.prefill(new int[] {4, 6}, fraction -> cancelAt(0.5, fraction)));
          assertArrayEquals(expected[4], decode(decoding, 4, 5)[0], 0f);
        });
  }

  @Test
  void methodAutoKeepsItsPrior() {
    Calibration calibration = calibration();
    CoreOptions options = CoreOptions.auto(0.2, calibration).withUpkeep(Upkeep.refreshing(3));
    float[][] once = decodeAll(options);
    assertArrayEquals(once, decodeAll(options));
    afterPrompt(
        options,
        (decoding, state) -> {
          int[] before = ids(decoding);
          decode(decoding, 0, 3);
          int[] after = ids(decoding);
          assertFalse(Arrays.equals(before, after));
          assertNotEquals(0, common(before, after));
        });
  }

  private static long common(int[] some, int[] others) {
    return Arrays.stream(some).filter(id -> Arrays.binarySearch(others, id) >= 0).count();
  }

  @Test
  void methodSimilarityHasNothingToRenew() {
    CoreOptions options = CoreOptions.similarity(0.2, calibration());
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> options.withUpkeep(Upkeep.refreshing(3)));
    assertTrue(String.valueOf(e.getMessage()).contains("use method auto"), e.getMessage());
  }

  /** Two clusters of random neurons. */
  private static Calibration calibration() {
    Random random = new Random(3);
    float[][][] roots = new float[2][RandomModel.LAYERS][RandomModel.NEURONS];
    for (float[][] cluster : roots) {
      for (float[] layer : cluster) {
        for (int i = 0; i < layer.length; i++) {
          layer[i] = random.nextFloat() / 10;
        }
      }
    }
    float[][] shares = new float[2][RandomModel.LAYERS];
    Arrays.fill(shares[0], 0.2f);
    Arrays.fill(shares[1], 1f);
    return new Calibration(
        new Calibration.Source(
            "random", RandomModel.LAYERS, RandomModel.NEURONS, Rules.NAMES.get(5), 0.4, 2, 20),
        4,
        roots,
        new Calibration.Budgets(List.of(0.2, 1.0), shares, List.of(1.0, 0.0)));
  }

  @Test
  void aFailedRefreshOnADeviceCanBeMadeAgain() {
    assumeTrue(where == TestBackend.SIMULATED_CUDA, "only the simulated device fails on demand");
    float[][] expected = decodeAll(core(0.2, 3));
    SimulatedCuda cuda = SimulatedCuda.plain();
    Path file = folder.resolve(DType.F16 + ".gguf");
    try (Model failing = TestModels.on(cuda, Model.builder(file)).contextLength(64).load()) {
      for (String kernel : List.of("ci_score_energy", "ci_score_select", "ci_memory_download")) {
        afterPrompt(
            failing,
            core(0.2, 3),
            (decoding, state) -> {
              for (int i = 0; i < NEXT.length; i++) {
                int token = NEXT[i];
                if (i % 3 == 2) {
                  cuda.failWith((name, arguments) -> name.equals(kernel) ? DEVICE_ERROR : 0);
                  assertThrows(BackendException.class, () -> decoding.decode(token, UNHEARD));
                  cuda.repair();
                }
                assertArrayEquals(
                    expected[i], copy(decoding.decode(token, UNHEARD)), 0f, kernel + i);
              }
            });
      }
    }
  }
}
