package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizersTest {
  @Test
  void prependsTheEndTokenForOpt() {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path("models/opt-tiny-relu"));
    assertEquals(OptionalInt.of(2), tokenizer.bosToken());
    assertEquals(OptionalInt.of(2), tokenizer.eosToken());
    assertArrayEquals(new int[] {2}, tokenizer.endTokens());
    assertTrue(tokenizer.addsBos());
    assertEquals(2, tokenizer.encode("Once", true, false)[0]);
    assertEquals(2048, tokenizer.vocabularySize());
    assertEquals("</s>", tokenizer.piece(2));
    assertEquals(OptionalInt.of(2), tokenizer.idOf("</s>"));
    assertTrue(tokenizer.isSpecial(2));
    assertEquals(0, tokenizer.bytes(2).length);
    assertEquals("", tokenizer.decode(new int[] {2}));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"data/tokenizers/llama2", "models/tinystories-656k", "models/stories260k-hf"})
  void prependsTheBeginTokenForLlama(String folder) {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path(folder));
    assertEquals(OptionalInt.of(1), tokenizer.bosToken());
    assertEquals(OptionalInt.of(2), tokenizer.eosToken());
    assertTrue(tokenizer.addsBos());
    assertArrayEquals(new int[] {1}, tokenizer.encode("", true, false));
    assertArrayEquals(new int[0], tokenizer.encode("", false, false));
  }

  @Test
  void addsNothingForPhi() {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path("data/tokenizers/phi-2"));
    assertFalse(tokenizer.addsBos());
    assertArrayEquals(new int[0], tokenizer.encode("", true, false));
    assertEquals(OptionalInt.of(50256), tokenizer.eosToken());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data/tokenizers/llama2",
        "data/tokenizers/phi-2",
        "data/tokenizers/gpt2",
        "data/tokenizers/phi-3-mini",
        "models/stories260k-hf"
      })
  void textCannotForgeSpecialTokensUnlessAsked(String folder) {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path(folder));
    String text = "<s></s> <s> <|endoftext|><|user|> <unk>";
    int[] ids = tokenizer.encode(text, false, false);
    assertFalse(Arrays.stream(ids).anyMatch(tokenizer::isSpecial), Arrays.toString(ids));
    assertEquals(text, tokenizer.decode(ids));
    int[] parsed = tokenizer.encode(text, false, true);
    assertTrue(Arrays.stream(parsed).anyMatch(tokenizer::isSpecial));
  }

  @Test
  void readsTheSameTokenizerFromGgufAndFromJson() throws IOException {
    Tokenizer json = Tokenizers.fromHuggingFace(SharedData.path("models/tinystories-656k"));
    Tokenizer gguf =
        Tokenizers.fromGguf(
            GgufMetadata.read(SharedData.path("models/gguf/tinystories-656k-f16.gguf")));
    String text = SharedData.text(SharedData.path("data/corpora/tinystories-sample.txt"));
    assertArrayEquals(json.encode(text, true, false), gguf.encode(text, true, false));
    assertEquals(json.bosToken(), gguf.bosToken());
    assertEquals(json.eosToken(), gguf.eosToken());
  }

  @Test
  void readsTheSameTokenizerFromGgufAndFromSentencePiece() throws IOException {
    Tokenizer model = Tokenizers.fromHuggingFace(SharedData.path("models/stories260k-hf"));
    Tokenizer gguf =
        Tokenizers.fromGguf(GgufMetadata.read(SharedData.path("models/gguf/stories260K-f32.gguf")));
    AwkwardText texts = new AwkwardText(new Random(2));
    for (int i = 0; i < 2000; i++) {
      String text = texts.next();
      assertArrayEquals(model.encode(text, true, true), gguf.encode(text, true, true), text);
    }
  }

  @Test
  void readsTheSameTokenizerFromJsonAndFromSentencePiece() throws IOException {
    Tokenizer json = Tokenizers.fromHuggingFace(SharedData.path("data/tokenizers/llama2"));
    Tokenizer model =
        Tokenizers.fromSentencePiece(SharedData.path("data/tokenizers/llama2/tokenizer.model"));
    String text = SharedData.text(SharedData.path("data/corpora/multilingual-sample.txt"));
    assertArrayEquals(json.encode(text, true, false), model.encode(text, true, false));
    AwkwardText texts = new AwkwardText(new Random(4));
    for (int i = 0; i < 5000; i++) {
      String awkward = texts.next();
      assertArrayEquals(
          json.encode(awkward, true, false),
          model.encode(awkward, true, false),
          AwkwardText.escaped(awkward));
    }
  }

  @Test
  void anUnpairedSurrogateIsAReplacementCharacter() {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path("models/opt-tiny-relu"));
    assertArrayEquals(
        tokenizer.encode("a\ufffdb\ufffd😀", false, false),
        tokenizer.encode("a\udc00b\ud800😀", false, false));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data/tokenizers/llama2",
        "data/tokenizers/phi-2",
        "models/tinystories-656k",
        "models/stories260k-hf"
      })
  void encodesAMillionCharactersOfAnythingInBoundedTime(String folder) {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path(folder));
    for (String part : new String[] {"a", " ", "\n", "the", "ab ", "中", "😀", "'s", "0"}) {
      String text = part.repeat(1_000_000 / part.length());
      assertTimeoutPreemptively(
          Duration.ofSeconds(30), () -> tokenizer.encode(text, true, true), () -> folder + part);
    }
  }

  @Test
  void idsOutsideTheVocabularyStandForNothing() {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path("models/opt-tiny-relu"));
    for (int id : new int[] {-1, 2048, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertEquals("", tokenizer.piece(id));
      assertEquals(0, tokenizer.bytes(id).length);
      assertFalse(tokenizer.isSpecial(id));
      assertEquals("", tokenizer.decode(new int[] {id}));
    }
  }

  @Test
  void bytesOfOneTokenAreItsTextWithTheSpace() {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path("data/tokenizers/llama2"));
    int[] ids = tokenizer.encode("hello", false, false);
    assertEquals("▁hello", tokenizer.piece(ids[0]));
    assertEquals(" hello", new String(tokenizer.bytes(ids[0]), StandardCharsets.UTF_8));
    assertArrayEquals(new byte[] {10}, tokenizer.bytes(tokenizer.idOf("<0x0A>").getAsInt()));
  }

  @Test
  void manyThreadsShareOneTokenizer() throws Exception {
    Tokenizer tokenizer = Tokenizers.fromHuggingFace(SharedData.path("models/opt-tiny-relu"));
    String text = SharedData.text(SharedData.path("data/corpora/tinystories-sample.txt"));
    int[] expected = tokenizer.encode(text, true, true);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<int[]>> results = new ArrayList<>();
      IntStream.range(0, 32)
          .forEach(i -> results.add(threads.submit(() -> tokenizer.encode(text, true, true))));
      for (Future<int[]> result : results) {
        assertArrayEquals(expected, result.get());
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
