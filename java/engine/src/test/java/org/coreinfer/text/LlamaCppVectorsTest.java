package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The conformance vectors of llama.cpp: texts, and the ids of each on one line. */
class LlamaCppVectorsTest {
  private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

  @ParameterizedTest
  @ValueSource(strings = {"gpt-2", "llama-spm", "phi-3", "mpt", "starcoder", "refact"})
  void givesTheIdsOfLlamaCpp(String name) throws IOException {
    String file = "data/vectors/llama.cpp/ggml-vocab-" + name + ".gguf";
    compare(file, Tokenizers.fromGguf(GgufMetadata.read(SharedData.path(file))));
  }

  @ParameterizedTest
  @ValueSource(strings = "llama-bpe")
  void givesTheIdsOfLlamaCppFromRanks(String name) throws IOException {
    String file = "data/vectors/llama.cpp/ggml-vocab-" + name + ".gguf";
    compare(file, Tokenizers.fromGguf(Llama3Ranks.read()));
  }

  private static void compare(String file, Tokenizer tokenizer) throws IOException {
    String[] texts = SharedData.text(SharedData.path(file + ".inp")).split(SEPARATOR, -1);
    List<String> lines = Files.readAllLines(SharedData.path(file + ".out"));
    assertEquals(lines.size() + 1, texts.length, "every text ends with a separator");
    for (int i = 0; i < lines.size(); i++) {
      int[] expected =
          Arrays.stream(lines.get(i).trim().split(" "))
              .filter(id -> !id.isEmpty())
              .mapToInt(Integer::parseInt)
              .toArray();
      String text = texts[i];
      assertArrayEquals(expected, tokenizer.encode(text, false, false), () -> file + ": " + text);
    }
  }
}
