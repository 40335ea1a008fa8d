package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EvaluatorTest {
  private static final double PERPLEXITY_TOLERANCE = 1e-3;
  private static final int[] IDS = {5, 9, 17, 3, 40, 22, 7, 11, 2, 30};

  @ParameterizedTest
  @ValueSource(strings = {"opt-tiny-relu", "relu-llama-656k", "stories260k-hf", "tinystories-656k"})
  void densePerplexityIsThatOfTransformers(String name) {
    JsonObject golden = TestData.json(TestData.file("goldens/" + name + ".json"));
    try (Model model = Model.load(TestData.shared("models/" + name))) {
      double sum = 0;
      long tokens = 0;
      Evaluator evaluator =
          new Evaluator(model.decoder(), List.of(CoreOptions.stability(0.4)), model.cacheDtype());
      for (JsonElement element : first(golden.getAsJsonArray("documents"), 2)) {
        JsonObject document = element.getAsJsonObject();
        evaluator.add(
            TestData.ints(document.getAsJsonArray("ids")),
            document.get("prompt_tokens").getAsInt(),
            fraction -> {});
        tokens += document.get("scored_tokens").getAsLong();
        sum += document.get("nll").getAsDouble() * document.get("scored_tokens").getAsLong();
        Evaluation soFar = evaluator.result();
        assertEquals(tokens, soFar.tokens());
        double perplexity = Math.exp(sum / tokens);
        assertEquals(
            perplexity, soFar.dense().perplexity().value(), perplexity * PERPLEXITY_TOLERANCE);
      }
      Evaluation all = evaluator.result();
      assertEquals(sum / tokens, all.dense().nll().value(), PERPLEXITY_TOLERANCE);
      Evaluation.Core core = all.cores().get(0);
      assertEquals(0.4, core.keepMeasured().value(), 0.003);
      assertTrue(core.kl().value() > 0);
      for (Estimate share : List.of(core.top1Agreement(), core.acceptance(), core.overlap())) {
        assertTrue(share.value() > 0 && share.value() < 1, share.toString());
        assertTrue(share.low() <= share.value() && share.value() <= share.high());
        assertTrue(share.halfWidth() > 0);
      }
    }
  }

  @Test
  void everyNeuronKeptIsDenseDecodingExactly() {
    Evaluation result = evaluateTiny(CoreOptions.stability(1), IDS, 4);
    Evaluation.Core core = result.cores().get(0);
    assertEquals(result.dense().nll().value(), core.nll().value());
    assertEquals(0, core.kl().value());
    assertEquals(1, core.perplexityRatio().value());
    assertEquals(1, core.top1Agreement().value());
    assertEquals(1, core.acceptance().value(), 1e-9);
    assertEquals(1, core.overlap().value());
    assertEquals(1, core.keepMeasured().value());
    assertEquals((double) result.dense().bytesPerToken(), core.bytesPerToken().value());
  }

  @Test
  void theDenseMethodKeepsEveryNeuron() {
    Evaluation result = evaluateTiny(CoreOptions.dense(), IDS, 4);
    assertEquals(result.dense().nll().value(), result.cores().get(0).nll().value());
    assertEquals(1, result.cores().get(0).keepMeasured().value());
  }

  @ParameterizedTest
  @CsvSource({"1,5", "2,2", "3,1", "6,0"})
  void tokensThatRenewTheSetCountAsDenseOnes(int interval, int refreshes) {
    CoreOptions options = CoreOptions.stability(0.2);
    Evaluation once = evaluateTiny(options, IDS, 4);
    Evaluation.Core fixed = once.cores().get(0);
    Evaluation.Core renewed =
        evaluateTiny(options.withUpkeep(Upkeep.refreshing(interval)), IDS, 4).cores().get(0);
    double share = refreshes / 6.0;
    assertEquals(
        share + (1 - share) * fixed.keepMeasured().value(), renewed.keepMeasured().value(), 1e-9);
    double bytes = share * once.dense().bytesPerToken();
    assertEquals(
        bytes + (1 - share) * fixed.bytesPerToken().value(), renewed.bytesPerToken().value(), 1e-3);
    assertEquals(fixed.overlap().value(), renewed.overlap().value());
    assertEquals(refreshes == 5, renewed.kl().value() == 0);
  }

  @Test
  void theFirstScoredTokenIsPredictedByThePromptAlone() {
    int[] ids = {5, 9, 17, 3, 40};
    Evaluation result = evaluateTiny(CoreOptions.stability(0.1), ids, 4);
    assertEquals(1, result.tokens());
    assertEquals(result.dense().nll().value(), result.cores().get(0).nll().value());
    assertEquals(0, result.cores().get(0).kl().value());
  }

  @Test
  void fewerNeuronsDivergeAndReadFewerBytes() {
    Evaluation result = evaluateTiny(CoreOptions.stability(0.1), IDS, 4);
    Evaluation.Core core = result.cores().get(0);
    assertEquals(6, result.tokens());
    assertEquals(0.1, core.keepMeasured().value(), 0.005);
    assertTrue(core.kl().value() > 0);
    assertTrue(core.acceptance().value() < 1);
    assertTrue(core.bytesPerToken().value() < result.dense().bytesPerToken());
    assertEquals(Math.exp(core.nll().value()), core.perplexity().value());
    assertEquals(
        core.perplexity().value() / result.dense().perplexity().value(),
        core.perplexityRatio().value(),
        1e-9);
  }

  @Test
  void oneDocumentHasNoInterval() {
    Evaluation result = evaluateTiny(CoreOptions.stability(0.1), IDS, 4);
    assertFalse(result.dense().nll().hasInterval());
    assertFalse(result.cores().get(0).kl().hasInterval());
  }

  @Test
  void oneLayerOfThreeCountsAsAThird() {
    CoreOptions options = CoreOptions.stability(0.4).withLayers(new CoreOptions.LayerRange(1, 1));
    assertEquals(
        (1 + 0.4 + 1) / 3,
        evaluateTiny(options, IDS, 4).cores().get(0).keepMeasured().value(),
        1e-9);
  }

  @Test
  void combinationsComeOutAsTheyDoAlone() {
    List<CoreOptions> options =
        List.of(
            CoreOptions.stability(0.2).withRule("paper"),
            CoreOptions.dense(),
            CoreOptions.stability(0.5));
    List<Evaluation> together = new ArrayList<>();
    withTiny(
        options,
        evaluator -> {
          evaluator.add(IDS, 4, fraction -> {});
          evaluator.add(new int[] {8, 8, 1, 30, 2, 19}, 3, fraction -> {});
          together.add(evaluator.result());
        });
    for (int i = 0; i < options.size(); i++) {
      List<Evaluation> alone = new ArrayList<>();
      withTiny(
          List.of(options.get(i)),
          evaluator -> {
            evaluator.add(IDS, 4, fraction -> {});
            evaluator.add(new int[] {8, 8, 1, 30, 2, 19}, 3, fraction -> {});
            alone.add(evaluator.result());
          });
      assertEquals(alone.get(0).cores().get(0), together.get(0).cores().get(i));
      assertEquals(alone.get(0).dense(), together.get(0).dense());
    }
  }

  @ParameterizedTest
  @CsvSource({"-1", "2", "3"})
  void refreshesAreComparedWithALargerSetOfAsManyComputedNeurons(int interval) {
    for (CoreOptions options :
        List.of(
            CoreOptions.stability(0.2),
            CoreOptions.stability(0.2).withLayers(new CoreOptions.LayerRange(1, 2)))) {
      Evaluation.Core renewed =
          evaluateTiny(options.withUpkeep(Upkeep.refreshing(interval)), IDS, 4).cores().get(0);
      double sparse = options.layers() == null ? 1 : 2.0 / 3;
      double keep = 1 - (1 - renewed.keepMeasured().value()) / sparse;
      Evaluation.Core larger = evaluateTiny(options.withKeep(keep), IDS, 4).cores().get(0);
      assertEquals(larger.kl(), renewed.klWithoutRefresh());
      assertEquals(renewed.keepMeasured().value(), larger.keepMeasured().value(), 0.005);
      assertNull(larger.klWithoutRefresh());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void losslessOptionsAnswerAsDenseDecodingDoes(int draftsPerPass) {
    CoreOptions lossless =
        CoreOptions.stability(0.4).withUpkeep(new CoreOptions.Upkeep(0, false, true));
    Evaluation.Lossless measured = answerTiny(lossless, draftsPerPass);
    assertEquals(draftsPerPass, measured.draftsPerPass());
    assertEquals(2, measured.sameAnswers());
    assertTrue(measured.tokensPerPass().value() >= 1);
    assertTrue(measured.tokensPerSecond().value() > 0);
    assertEquals(
        measured.tokensPerSecond().value() / measured.denseTokensPerSecond().value(),
        measured.speed().value(),
        1e-9);
    if (draftsPerPass > 0) {
      double accepted = measured.accepted().value();
      assertTrue(accepted >= 0 && accepted <= 1);
      assertEquals(accepted > 0, measured.tokensPerPass().value() > 1);
    }
    CoreOptions everything = lossless.withKeep(1);
    assertEquals(1, answerTiny(everything, 3).accepted().value());
    assertEquals(4, answerTiny(everything, 3).tokensPerPass().value(), 0.5);
  }

  private static Evaluation.Lossless answerTiny(CoreOptions options, int draftsPerPass) {
    List<Evaluation> result = new ArrayList<>();
    withTiny(
        List.of(options),
        draftsPerPass,
        evaluator -> {
          evaluator.add(new int[24], 4, fraction -> {});
          evaluator.add(Arrays.copyOf(IDS, 20), 4, fraction -> {});
          result.add(evaluator.result());
        });
    Evaluation.Lossless measured = result.get(0).cores().get(0).lossless();
    assertNotNull(measured);
    return measured;
  }

  @Test
  void refusesMoreDraftsThanAPassTakes() {
    CoreOptions lossless =
        CoreOptions.stability(0.4).withUpkeep(new CoreOptions.Upkeep(0, false, true));
    withTiny(
        List.of(lossless),
        16,
        evaluator ->
            assertThrows(
                IllegalArgumentException.class, () -> evaluator.add(IDS, 4, fraction -> {})));
  }

  @Test
  void ofLosslessOptionsTheDraftIsCompared() {
    CoreOptions plain = CoreOptions.stability(0.2);
    CoreOptions lossless = plain.withUpkeep(new CoreOptions.Upkeep(0, false, true));
    assertEquals(
        evaluateTiny(plain, IDS, 4).cores().get(0).kl(),
        evaluateTiny(lossless, IDS, 4).cores().get(0).kl());
  }

  @Test
  void reportsProgressUpToOneAndEndsWhenTheMonitorThrows() {
    List<Double> fractions = new ArrayList<>();
    withTiny(
        List.of(CoreOptions.stability(0.4), CoreOptions.stability(0.2)),
        evaluator -> {
          evaluator.add(IDS, 4, fractions::add);
          assertEquals(fractions.stream().sorted().toList(), fractions);
          assertEquals(1.0, fractions.get(fractions.size() - 1));
          assertThrows(
              GenerationCancelledException.class,
              () ->
                  evaluator.add(
                      IDS,
                      4,
                      fraction -> {
                        throw new GenerationCancelledException("enough");
                      }));
        });
  }

  @Test
  void refusesWhatCannotBeScored() {
    withTiny(
        List.of(CoreOptions.stability(0.4), CoreOptions.stability(0.2)),
        evaluator -> {
          assertThrows(IllegalStateException.class, evaluator::result);
          for (int prompt : new int[] {0, IDS.length}) {
            assertThrows(
                IllegalArgumentException.class, () -> evaluator.add(IDS, prompt, fraction -> {}));
          }
          assertThrows(
              IllegalArgumentException.class, () -> evaluator.add(new int[34], 4, fraction -> {}));
        });
  }

  @ParameterizedTest
  @CsvSource({"2,0.5,1", "3,0.5,1", "5,0.5,2", "10,0.99,9", "4,0.99,3", "10,0.01,1"})
  void promptsAreRoundedDownAndLeaveATokenToScore(int tokens, double fraction, int expected) {
    assertEquals(expected, Evaluator.promptTokens(tokens, fraction));
  }

  private static List<JsonElement> first(JsonArray array, int count) {
    return array.asList().subList(0, count);
  }

  private static Evaluation evaluateTiny(CoreOptions options, int[] ids, int prompt) {
    List<Evaluation> result = new ArrayList<>();
    withTiny(
        List.of(options),
        evaluator -> {
          evaluator.add(ids, prompt, fraction -> {});
          result.add(evaluator.result());
        });
    return result.get(0);
  }

  private interface Work {
    void with(Evaluator evaluator);
  }

  /** An evaluator of a random model with 3 layers of 100 neurons, for up to 32 tokens. */
  private static void withTiny(List<CoreOptions> options, Work work) {
    withTiny(options, 0, work);
  }

  private static void withTiny(List<CoreOptions> options, int draftsPerPass, Work work) {
    try (WeightFile file = WeightFile.open(TestData.file("families/llama-silu"), Host::map);
        Backend backend = Host.cpu(2);
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 32, fraction -> {})) {
      work.with(new Evaluator(decoder, options, draftsPerPass, DType.F32));
    }
  }
}
