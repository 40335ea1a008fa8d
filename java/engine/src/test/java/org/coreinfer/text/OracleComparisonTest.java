package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The ids of Hugging Face's own tokenizer, on real text and on text made to be awkward. By default
 * a few chunks of every file; {@code -Dcoreinfer.exhaustive=true} compares every byte.
 */
@Tag("oracle")
class OracleComparisonTest {
  private static final boolean EXHAUSTIVE = Boolean.getBoolean("coreinfer.exhaustive");
  private static final int CHUNK = 6_000;
  private static final int CHUNKS_PER_FILE = 2;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data/tokenizers/llama2",
        "data/tokenizers/phi-2",
        "data/tokenizers/phi-3-mini",
        "data/tokenizers/roberta-opt",
        "models/tinystories-656k",
        "models/relu-llama-656k",
        "models/opt-tiny-relu"
      })
  void givesTheIdsOfHuggingFaceOnRealText(String folder) throws IOException {
    Path json = SharedData.path(folder).resolve("tokenizer.json");
    Tokenizer tokenizer = Tokenizers.fromTokenizerJson(json);
    long characters = 0;
    try (Oracle oracle = new Oracle(json)) {
      for (Path file : SharedData.texts()) {
        for (String chunk : chunks(SharedData.text(file), file.hashCode())) {
          compare(oracle, tokenizer, chunk, () -> folder + " on " + file);
          characters += chunk.length();
        }
      }
    }
    System.out.println(folder + ": " + characters + " characters give the ids of Hugging Face");
    assertTrue(characters > 400_000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data/tokenizers/llama2",
        "data/tokenizers/phi-2",
        "data/tokenizers/phi-3-mini",
        "data/tokenizers/roberta-opt",
        "models/tinystories-656k",
        "models/opt-tiny-relu"
      })
  void givesTheIdsOfHuggingFaceOnAwkwardText(String folder) throws IOException {
    Path json = SharedData.path(folder).resolve("tokenizer.json");
    Tokenizer tokenizer = Tokenizers.fromTokenizerJson(json);
    AwkwardText texts = new AwkwardText(new Random(7));
    try (Oracle oracle = new Oracle(json)) {
      for (int i = 0; i < (EXHAUSTIVE ? 200_000 : 2_000); i++) {
        compare(oracle, tokenizer, texts.next(), () -> folder);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data/tokenizers/llama2",
        "data/tokenizers/phi-2",
        "data/tokenizers/phi-3-mini",
        "data/tokenizers/roberta-opt",
        "models/tinystories-656k",
        "models/opt-tiny-relu"
      })
  void decodesRandomIdsAsHuggingFaceDoes(String folder) throws IOException {
    Path json = SharedData.path(folder).resolve("tokenizer.json");
    Tokenizer tokenizer = Tokenizers.fromTokenizerJson(json);
    Random random = new Random(11);
    try (Oracle oracle = new Oracle(json)) {
      for (int i = 0; i < 1_000; i++) {
        int bound = random.nextInt(3) == 0 ? 300 : tokenizer.vocabularySize() + 3;
        int[] ids = random.ints(random.nextInt(20), 0, bound).toArray();
        String expected = oracle.decode(ids);
        assertEquals(expected, tokenizer.decode(ids), () -> folder + ": " + Arrays.toString(ids));
      }
    }
  }

  private static void compare(
      Oracle oracle, Tokenizer tokenizer, String text, Supplier<String> what) {
    int[] expected = oracle.encode(AwkwardText.wellFormed(text), true);
    int[] actual = tokenizer.encode(text, true, true);
    if (!Arrays.equals(expected, actual)) {
      int at = Math.max(0, Arrays.mismatch(expected, actual));
      int[] before = Arrays.copyOf(expected, at);
      int from = Math.max(0, tokenizer.decode(before).length() - 40);
      String around =
          text.substring(Math.min(from, text.length()), Math.min(from + 100, text.length()));
      assertArrayEquals(
          expected, actual, () -> what.get() + ", near " + AwkwardText.escaped(around));
    }
  }

  /** Parts of about {@link #CHUNK} characters that end after a newline. */
  private static List<String> chunks(String text, int seed) {
    if (EXHAUSTIVE) {
      List<String> all = new ArrayList<>();
      for (int from = 0; from < text.length(); ) {
        int to = chunkEnd(text, from, 4 * CHUNK);
        all.add(text.substring(from, to));
        from = to;
      }
      all.add(text);
      return all;
    }
    List<String> some = new ArrayList<>();
    Random random = new Random(seed);
    for (int i = 0; i < CHUNKS_PER_FILE; i++) {
      int from = random.nextInt(Math.max(1, text.length() - CHUNK));
      some.add(text.substring(from, chunkEnd(text, from, CHUNK)));
    }
    return some;
  }

  private static int chunkEnd(String text, int from, int length) {
    int newline = text.indexOf('\n', Math.min(text.length(), from + length));
    return newline < 0 ? text.length() : Math.min(newline + 1, from + 2 * length);
  }
}
