package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.core.CoreOptions;
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
      for (JsonElement element : golden.getAsJsonArray("documents")) {
        JsonObject document = element.getAsJsonObject();
        Evaluation one = evaluate(model, List.of(document), CoreOptions.stability(0.4));
        assertEquals(document.get("scored_tokens").getAsLong(), one.tokens());
        double perplexity = document.get("perplexity").getAsDouble();
        assertEquals(perplexity, one.dense().perplexity(), perplexity * PERPLEXITY_TOLERANCE);
        sum += document.get("nll").getAsDouble() * one.tokens();
        tokens += one.tokens();
      }
      Evaluation all = evaluate(model, documents(golden), CoreOptions.stability(0.4));
      assertEquals(sum / tokens, all.dense().nll(), PERPLEXITY_TOLERANCE);
      assertEquals(0.4, all.core().keepMeasured(), 0.003);
      assertTrue(all.core().kl() > 0);
      assertTrue(all.core().top1Agreement() > 0 && all.core().top1Agreement() < 1);
    }
  }

  private static List<JsonObject> documents(JsonObject golden) {
    List<JsonObject> documents = new ArrayList<>();
    golden.getAsJsonArray("documents").forEach(d -> documents.add(d.getAsJsonObject()));
    return documents;
  }

  private static Evaluation evaluate(Model model, List<JsonObject> documents, CoreOptions options) {
    try (Evaluator evaluator =
        new Evaluator(model.decoder(), options, model.contextLength(), model.cacheDtype())) {
      for (JsonObject document : documents) {
        evaluator.add(
            TestData.ints(document.getAsJsonArray("ids")),
            document.get("prompt_tokens").getAsInt(),
            fraction -> {});
      }
      return evaluator.result();
    }
  }

  @Test
  void everyNeuronKeptIsDenseDecodingExactly() {
    Evaluation result = evaluateTiny(CoreOptions.stability(1), IDS, 4);
    assertEquals(result.dense().nll(), result.core().nll());
    assertEquals(0, result.core().kl());
    assertEquals(1, result.core().top1Agreement());
    assertEquals(1, result.core().keepMeasured());
  }

  @Test
  void theDenseMethodKeepsEveryNeuron() {
    Evaluation result = evaluateTiny(CoreOptions.dense(), IDS, 4);
    assertEquals(result.dense().nll(), result.core().nll());
    assertEquals(1, result.core().keepMeasured());
  }

  @Test
  void theFirstScoredTokenIsPredictedByThePromptAlone() {
    int[] ids = {5, 9, 17, 3, 40};
    Evaluation result = evaluateTiny(CoreOptions.stability(0.1), ids, 4);
    assertEquals(1, result.tokens());
    assertEquals(result.dense().nll(), result.core().nll());
    assertEquals(0, result.core().kl());
  }

  @Test
  void fewerNeuronsDiverge() {
    Evaluation result = evaluateTiny(CoreOptions.stability(0.1), IDS, 4);
    assertEquals(6, result.tokens());
    assertEquals(0.1, result.core().keepMeasured(), 0.005);
    assertTrue(result.core().kl() > 0);
    assertEquals(Math.exp(result.core().nll()), result.core().perplexity());
  }

  @Test
  void oneLayerOfThreeCountsAsAThird() {
    CoreOptions options = CoreOptions.stability(0.4).withLayers(new CoreOptions.LayerRange(1, 1));
    assertEquals((1 + 0.4 + 1) / 3, evaluateTiny(options, IDS, 4).core().keepMeasured(), 1e-9);
  }

  @Test
  void reportsProgressUpToOneAndEndsWhenTheMonitorThrows() {
    List<Double> fractions = new ArrayList<>();
    withTiny(
        CoreOptions.stability(0.4),
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
        CoreOptions.stability(0.4),
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

  private static Evaluation evaluateTiny(CoreOptions options, int[] ids, int prompt) {
    List<Evaluation> result = new ArrayList<>();
    withTiny(
        options,
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
  private static void withTiny(CoreOptions options, Work work) {
    try (WeightFile file = WeightFile.open(TestData.file("families/llama-silu"), Host::map);
        Backend backend = Host.cpu(2);
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 32, fraction -> {});
        Evaluator evaluator = new Evaluator(decoder, options, 32, DType.F32)) {
      work.with(evaluator);
    }
  }
}
