package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.core.Rules;
import org.coreinfer.generation.Sequence;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Core neurons that are renewed while tokens are decoded. */
@Timeout(120)
@ParameterizedClass
@EnumSource(TestBackend.class)
class RefreshTest extends RefreshFixture {
  RefreshTest(TestBackend where) {
    super(where);
  }

  @Test
  void refreshingEveryTokenIsDenseDecoding() {
    float[][] dense = decodeAll(CoreOptions.dense());
    assertArrayEquals(dense, decodeAll(core(0.2, 1)));
    assertFalse(Arrays.deepEquals(dense, decodeAll(core(0.2, 0))));
  }

  @Test
  void aSequenceThatIsRewoundToItsStartIsAsNew() {
    for (CoreOptions options : everyThird()) {
      float[][] expected = decodeAll(options);
      afterPrompt(
          options,
          sequence -> {
            decode(sequence, 0, 4);
            sequence.rewind(0);
            assertEquals(0, sequence.refreshes().count());
            assertEquals(RandomModel.NEURONS, sequence.neurons().count(0));
            sequence.prefill(PROMPT, UNHEARD);
            assertArrayEquals(expected, decode(sequence, 0, NEXT.length));
          });
    }
  }

  @Test
  void decodingDenselyLeavesTheSetThatARefreshChose() {
    afterPrompt(
        core(0.2, 3),
        sequence -> {
          decode(sequence, 0, 3);
          int position = sequence.position();
          float[] expected = decode(sequence, NEXT[3]);
          sequence.rewind(position);
          sequence.accept(NEXT[4]);
          sequence.decodeDensely();
          sequence.rewind(position);
          assertFalse(Arrays.equals(expected, dense(sequence, NEXT[3])));
          sequence.rewind(position);
          assertEquals(RandomModel.NEURONS / 5, sequence.neurons().count(0));
          assertArrayEquals(expected, decode(sequence, 3, 4)[0]);
        });
  }

  private static float[] dense(Sequence sequence, int token) {
    sequence.accept(token);
    return copy(sequence.decodeDensely());
  }

  @Test
  void theSetChangesWithEveryThirdTokenOnly() {
    afterPrompt(
        core(0.2, 3),
        sequence -> {
          List<int[]> sets = idsAfterEach(sequence);
          for (int i = 1; i < sets.size(); i++) {
            boolean isRefresh = i % 3 == 0;
            assertEquals(!isRefresh, Arrays.equals(sets.get(i - 1), sets.get(i)), "token " + i);
            assertEquals(sets.get(0).length, sets.get(i).length);
          }
          assertEquals(NEXT.length / 3, sequence.refreshes().count());
          double drift = sequence.refreshes().drift();
          assertTrue(drift > 0 && drift < 1, "drift " + drift);
          assertTrue(sequence.refreshes().nanos() > 0);
        });
  }

  /** All layers' core neurons before the first token and after each. */
  private List<int[]> idsAfterEach(Sequence sequence) {
    int[][] sets = new int[NEXT.length + 1][];
    sets[0] = ids(sequence);
    for (int i = 0; i < NEXT.length; i++) {
      decode(sequence, NEXT[i]);
      sets[i + 1] = ids(sequence);
    }
    return List.of(sets);
  }

  private static int[] ids(Sequence sequence) {
    return IntStream.range(0, RandomModel.LAYERS)
        .flatMap(layer -> Arrays.stream(sequence.neurons().ids(layer)))
        .toArray();
  }

  @Test
  void aSetThatNobodyReadsDecodesAlike() {
    List<float[][]> decoded = new ArrayList<>();
    for (CoreOptions options : everyThird()) {
      float[][] unread = decodeAll(options);
      decoded.add(unread);
      afterPrompt(
          options,
          sequence -> {
            for (int i = 0; i < NEXT.length; i++) {
              assertArrayEquals(unread[i], decode(sequence, NEXT[i]), 0f, "token " + i);
              assertFalse(ids(sequence).length == 0);
            }
          });
    }
    assertFalse(Arrays.deepEquals(decoded.get(0), decoded.get(1)));
  }

  @Test
  void theNextTokensNeuronsAreAllWhereTheyAreRenewed() {
    afterPrompt(
        core(0.2, 3),
        sequence -> {
          for (int i = 0; i < NEXT.length; i++) {
            int expected = i % 3 == 2 ? RandomModel.NEURONS : RandomModel.NEURONS / 5;
            assertEquals(expected, sequence.nextNeurons().count(0), "token " + i);
            assertEquals(RandomModel.NEURONS / 5, sequence.neurons().count(0));
            decode(sequence, NEXT[i]);
          }
        });
  }

  @Test
  void losslessDecodingTakesNoRefreshes() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> new Upkeep(3, false, true));
    assertTrue(String.valueOf(e.getMessage()).contains("leave refresh out"), e.getMessage());
  }

  @Test
  void whatHoldsEveryNeuronDoesNotDrift() {
    afterPrompt(
        core(1, 2),
        sequence -> {
          decode(sequence, 0, NEXT.length);
          assertEquals(NEXT.length / 2, sequence.refreshes().count());
          assertEquals(0, sequence.refreshes().drift());
        });
  }

  @Test
  void onlySparseLayersAreRenewed() {
    afterPrompt(
        core(0.2, 2).withLayers(new LayerRange(1, 2)),
        sequence -> {
          decode(sequence, 0, 2);
          assertEquals(RandomModel.NEURONS, sequence.neurons().count(0));
          assertEquals(RandomModel.NEURONS / 5, sequence.neurons().count(1));
          decode(sequence, 2, 3);
          assertTrue(sequence.refreshes().drift() > 0);
        });
  }

  @Test
  void everyRuleIsRenewed() {
    for (String rule : Rules.NAMES) {
      afterPrompt(
          core(0.2, 3).withRule(rule),
          sequence -> {
            int[] before = ids(sequence);
            decode(sequence, 0, 3);
            assertFalse(Arrays.equals(before, ids(sequence)), rule);
          });
    }
  }

  @Test
  void theAnswersRefreshesStartWithItsPrompt() {
    afterPrompt(
        core(0.2, 3),
        sequence -> {
          decode(sequence, 0, 5);
          sequence.prefill(new int[] {4, 6}, UNHEARD);
          assertEquals(0, sequence.refreshes().count());
          decode(sequence, 0, 2);
          assertEquals(0, sequence.refreshes().count());
          decode(sequence, 2, 3);
          assertEquals(1, sequence.refreshes().count());
        });
  }

  @Test
  void methodAutoKeepsItsPrior() {
    Calibration calibration = calibration();
    CoreOptions options = CoreOptions.auto(0.2, calibration).withUpkeep(Upkeep.refreshing(3));
    float[][] once = decodeAll(options);
    afterPrompt(
        options,
        sequence -> {
          int[] before = ids(sequence);
          assertArrayEquals(Arrays.copyOf(once, 4), decode(sequence, 0, 4));
          int[] after = ids(sequence);
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
        new Calibration.Budgets(List.of(0.2, 1.0), shares, List.of(1.0, 0.0)),
        Map.of());
  }
}
