package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.List;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.grammar.GbnfGrammar;
import org.coreinfer.grammar.JsonGrammar;
import org.coreinfer.sampling.SamplingOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A grammar holds wherever tokens are drawn. */
class ConstrainedAnswerTest {
  private static final String SCHEMA =
      """
      {"type": "object",
       "properties": {"name": {"type": "string", "maxLength": 10},
                      "ages": {"type": "array", "items": {"type": "integer", "maximum": 99,
                               "minimum": 0}, "maxItems": 3},
                      "kind": {"enum": ["cat", "dog"]}},
       "required": ["name", "ages", "kind"]}""";

  private static GenerationResult answer(
      Model model, CoreOptions core, SamplingOptions sampling, int most) {
    return answer(model, SCHEMA, core, sampling, most);
  }

  private static GenerationResult answer(
      Model model, String schema, CoreOptions core, SamplingOptions sampling, int most) {
    try (Session session = model.newSession(core)) {
      return session.generate(
          GenerationRequest.of("Once upon a time")
              .maxTokens(most)
              .sampling(sampling)
              .constraint(JsonGrammar.ofSchema(schema, model.tokenizer()))
              .build());
    }
  }

  private static void requireWhole(GenerationResult result) {
    assertEquals(FinishReason.EOS, result.finishReason(), result.text());
    JsonObject object = JsonParser.parseString(result.text()).getAsJsonObject();
    assertTrue(object.get("name").getAsString().codePoints().count() <= 10, result.text());
    assertTrue(object.getAsJsonArray("ages").size() <= 3, result.text());
    assertTrue(object.get("kind").getAsString().matches("cat|dog"), result.text());
  }

  @ParameterizedTest
  @EnumSource(names = {"CPU", "SIMULATED_CUDA", "CUDA"})
  void answersKeepTheGrammar(TestBackend backend, @TempDir Path folder) {
    String schema = "{\"enum\": [true, 12, []]}"; // few tokens: simulated devices are slow
    try (Model model = TestModels.quick(backend, folder).contextLength(64).load()) {
      for (SamplingOptions sampling :
          List.of(SamplingOptions.GREEDY, SamplingOptions.GREEDY.withTemperature(1).withSeed(5))) {
        GenerationResult result = answer(model, schema, CoreOptions.dense(), sampling, 20);
        assertEquals(FinishReason.EOS, result.finishReason(), result.text());
        assertTrue(List.of("true", "12", "[]").contains(result.text().strip()), result.text());
      }
    }
  }

  @Test
  void losslessTextIsThatOfDenseDecoding() {
    try (Model model = Model.embedded().contextLength(256).load()) {
      GenerationResult dense = answer(model, CoreOptions.dense(), SamplingOptions.GREEDY, 200);
      CoreOptions drafting =
          CoreOptions.stability(0.8).withUpkeep(new CoreOptions.Upkeep(0, false, true));
      GenerationResult lossless = answer(model, drafting, SamplingOptions.GREEDY, 200);
      assertEquals(dense.tokens(), lossless.tokens());
      requireWhole(lossless);
      SamplingOptions warm = SamplingOptions.GREEDY.withTemperature(1.2).withSeed(9);
      requireWhole(answer(model, drafting, warm, 200));
    }
  }

  @Test
  void anAnswerThatIsCutOffSaysSo() {
    try (Model model = Model.embedded().contextLength(256).load()) {
      GenerationResult result = answer(model, CoreOptions.dense(), SamplingOptions.GREEDY, 4);
      assertEquals(FinishReason.LENGTH, result.finishReason());
      assertTrue(result.text().strip().startsWith("{"), result.text());
    }
  }

  @Test
  void endTokensCannotBeIgnored() {
    try (Model model = Model.embedded().contextLength(256).load()) {
      GenerationRequest.Builder request =
          GenerationRequest.of("x")
              .ignoreEos(true)
              .constraint(JsonGrammar.anyJson(model.tokenizer()));
      assertThrows(IllegalArgumentException.class, request::build);
    }
  }

  @Test
  void answersKeepAGrammarOfGbnf() {
    String grammar =
        """
        root ::= line{2,3}
        line ::= [A-Z] [a-z]{1,5} ": " sum "\\n"
        sum  ::= [0-9]{1,2} (" + " [0-9]{1,2}){0,2}
        """;
    CoreOptions drafting =
        CoreOptions.stability(0.8).withUpkeep(new CoreOptions.Upkeep(0, false, true));
    try (Model model = Model.embedded().contextLength(256).load()) {
      GbnfGrammar lines = GbnfGrammar.of(grammar, model.tokenizer());
      for (SamplingOptions sampling :
          List.of(
              SamplingOptions.GREEDY,
              SamplingOptions.GREEDY.withTemperature(1).withSeed(3).withFrequencyPenalty(1))) {
        for (CoreOptions core : List.of(CoreOptions.dense(), drafting)) {
          try (Session session = model.newSession(core)) {
            GenerationResult result =
                session.generate(
                    GenerationRequest.of("Once upon a time")
                        .maxTokens(150)
                        .sampling(sampling)
                        .constraint(lines)
                        .build());
            assertEquals(FinishReason.EOS, result.finishReason(), result.text());
            assertTrue(
                result.text().matches("([A-Z][a-z]{1,5}: [0-9]{1,2}( \\+ [0-9]{1,2}){0,2}\n){2,3}"),
                result.text());
          }
        }
      }
    }
  }
}
