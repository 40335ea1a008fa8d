package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ids that the original tokenizers gave, from files: Hugging Face, SentencePiece and tiktoken. */
class GoldenTokenizerTest {
  private static final Set<String> FROM_HUGGING_FACE =
      Set.of("llama2-json", "phi-2", "phi-3-mini", "tinystories-656k");

  @ParameterizedTest
  @CsvSource({
    "gpt2, data/tokenizers/gpt2",
    "opt, data/tokenizers/roberta-opt",
    "llama2-json, data/tokenizers/llama2",
    "llama2-spm, data/tokenizers/llama2/tokenizer.model",
    "mistral-v1, data/tokenizers/mistral/tokenizer.model.v1",
    "phi-2, data/tokenizers/phi-2",
    "phi-3-mini, data/tokenizers/phi-3-mini",
    "tinystories-656k, models/tinystories-656k",
    "stories260k, models/stories260k-hf"
  })
  void givesTheIdsOfTheOriginal(String name, String location) throws IOException {
    Path path = SharedData.path(location);
    compare(
        name,
        Files.isDirectory(path)
            ? Tokenizers.fromHuggingFace(path)
            : Tokenizers.fromSentencePiece(path));
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2, data/vectors/llama.cpp/ggml-vocab-gpt-2.gguf",
    "llama2-spm, data/vectors/llama.cpp/ggml-vocab-llama-spm.gguf",
    "phi-3-mini, data/vectors/llama.cpp/ggml-vocab-phi-3.gguf",
    "stories260k, models/gguf/stories260K-f32.gguf"
  })
  void givesTheIdsOfTheOriginalFromGguf(String name, String location) throws IOException {
    compare(name, Tokenizers.fromGguf(GgufMetadata.read(SharedData.path(location))));
  }

  @Test
  void givesTheIdsOfLlama3FromItsRanks() throws IOException {
    compare("llama3", Tokenizers.fromGguf(Llama3Ranks.read()));
  }

  /** The native tokenizer of Hugging Face recognises special tokens always, the others never. */
  private static void compare(String name, Tokenizer tokenizer) throws IOException {
    boolean parseSpecial = FROM_HUGGING_FACE.contains(name);
    int texts = 0;
    for (String line : Files.readAllLines(SharedData.path("data/vectors/golden-tokenizer.jsonl"))) {
      JsonObject golden = JsonParser.parseString(line).getAsJsonObject();
      String text = golden.get("text").getAsString();
      JsonArray ids = golden.getAsJsonArray(name);
      int[] expected = new int[ids.size()];
      for (int i = 0; i < expected.length; i++) {
        expected[i] = ids.get(i).getAsInt();
      }
      assertArrayEquals(
          expected, tokenizer.encode(text, false, parseSpecial), () -> name + ": " + text);
      texts++;
    }
    assertEquals(133, texts);
    assertTrue(tokenizer.vocabularySize() > 0);
  }
}
