package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Greedy text of real small models against Hugging Face Transformers in F32. */
class GoldenTest {

  @ParameterizedTest
  @CsvSource({
    "models/opt-tiny-relu, opt-tiny-relu",
    "models/relu-llama-656k, relu-llama-656k",
    "models/tinystories-656k, tinystories-656k",
    "models/stories260k-hf, stories260k-hf",
    "models/gguf/tinystories-656k-f32.gguf, tinystories-656k",
    "models/gguf/stories260K-f32.gguf, stories260k-hf"
  })
  void twoHundredGreedyTokensAreTransformersOwn(String path, String golden) {
    try (Model model = Model.load(TestData.shared(path))) {
      for (JsonElement element : prompts(golden)) {
        JsonObject wanted = element.getAsJsonObject();
        int[] ids = TestData.ints(wanted.getAsJsonArray("ids"));
        int compared = wanted.get("first_close_step").getAsInt();
        GenerationResult result = answer(model, CoreOptions.dense(), ids);
        assertEquals(
            first(TestData.ints(wanted.getAsJsonArray("greedy")), compared),
            result.tokens().subList(0, compared),
            path + ": " + wanted.get("prompt"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "models/opt-tiny-relu, opt-tiny-relu",
    "models/relu-llama-656k, relu-llama-656k",
    "models/tinystories-656k, tinystories-656k",
    "models/stories260k-hf, stories260k-hf",
    "models/gguf/tinystories-656k-f32.gguf, tinystories-656k",
    "models/gguf/stories260K-f32.gguf, stories260k-hf"
  })
  void promptsHaveTheIdsOfTheOriginalTokenizer(String path, String golden) {
    try (Model model = Model.load(TestData.shared(path))) {
      for (JsonElement element : prompts(golden)) {
        JsonObject wanted = element.getAsJsonObject();
        assertEquals(
            first(TestData.ints(wanted.getAsJsonArray("ids")), Integer.MAX_VALUE),
            first(
                model.tokenizer().encode(wanted.get("prompt").getAsString(), true, true),
                Integer.MAX_VALUE),
            path);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "models/gguf/tinystories-656k-f16.gguf, 0.98",
    "models/gguf/tinystories-656k-q8_0.gguf, 0.9"
  })
  void smallerDtypesMostlyGiveTheSameFirstTokens(String path, double share) {
    int same = 0;
    int all = 0;
    try (Model model = Model.load(TestData.shared(path))) {
      for (JsonElement element : prompts("tinystories-656k")) {
        JsonObject wanted = element.getAsJsonObject();
        int[] ids = TestData.ints(wanted.getAsJsonArray("ids"));
        List<Integer> greedy = first(TestData.ints(wanted.getAsJsonArray("greedy")), 10);
        List<Integer> tokens = answer(model, CoreOptions.dense(), ids).tokens();
        same +=
            (int) IntStream.range(0, 10).filter(i -> greedy.get(i).equals(tokens.get(i))).count();
        all += 10;
      }
    }
    assertTrue(same >= share * all, same + " of " + all + " tokens are the same");
  }

  @ParameterizedTest
  @CsvSource({
    "models/relu-llama-656k",
    "models/gguf/tinystories-656k-q8_0.gguf",
    "models/opt-tiny-relu"
  })
  void keepingEveryNeuronEqualsDenseDecoding(String path) {
    int[] prompt = {1, 7, 30, 200, 12};
    try (Model model = Model.load(TestData.shared(path))) {
      assertEquals(
          answer(model, CoreOptions.dense(), prompt).tokens(),
          answer(model, CoreOptions.stability(1), prompt).tokens());
    }
  }

  private static Iterable<JsonElement> prompts(String golden) {
    Path file = TestData.file("goldens/" + golden + ".json");
    return TestData.json(file).getAsJsonArray("prompts");
  }

  private static List<Integer> first(int[] values, int count) {
    return Arrays.stream(values).limit(count).boxed().toList();
  }

  private static GenerationResult answer(Model model, CoreOptions options, int[] prompt) {
    try (Session session = model.newSession(options)) {
      return session.generate(
          GenerationRequest.ofTokens(first(prompt, Integer.MAX_VALUE))
              .maxTokens(200)
              .ignoreEos(true)
              .build());
    }
  }
}
