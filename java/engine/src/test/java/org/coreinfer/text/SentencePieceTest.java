package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.weights.Metadata;
import org.junit.jupiter.api.Test;

/** What real vocabularies show too rarely, on a made-up one. */
class SentencePieceTest {
  private static final int UNKNOWN = 0;
  private static final int BEGIN = 1;
  private static final int MARK = 2;
  private static final int A = 3;
  private static final int MARK_A = 4;
  private static final int BC = 5;
  private static final int USER = 6;
  private static final int AA = 7;

  private static final Map<String, Object> METADATA =
      Map.of(
          "tokenizer.ggml.model",
          "llama",
          "tokenizer.ggml.tokens",
          List.of("<unk>", "<s>", "▁", "a", "▁a", "bc", "[X]", "aa"),
          "tokenizer.ggml.scores",
          new double[] {0, 0, -9, -9, -3, -2, 0, -3},
          "tokenizer.ggml.token_type",
          new long[] {2, 3, 1, 1, 1, 1, 4, 1},
          "tokenizer.ggml.unknown_token_id",
          0L,
          "tokenizer.ggml.bos_token_id",
          1L);

  private final Tokenizer tokenizer = Tokenizers.fromGguf(new Metadata("x.gguf", METADATA));

  @Test
  void charactersKnownOnlyWithinAPieceStillMergeToIt() {
    assertArrayEquals(new int[] {MARK_A, BC}, tokenizer.encode("abc", false, false));
  }

  @Test
  void aRunOfUnknownCharactersIsOneToken() {
    assertArrayEquals(new int[] {MARK_A, UNKNOWN}, tokenizer.encode("abbx", false, false));
    assertArrayEquals(
        new int[] {MARK_A, UNKNOWN, A, UNKNOWN, BC, MARK},
        tokenizer.encode("axab😀bc ", false, false));
  }

  @Test
  void theLeftmostOfEqualScoresMergesFirst() {
    assertArrayEquals(new int[] {MARK_A, AA}, tokenizer.encode("aaa", false, false));
    assertArrayEquals(new int[] {MARK_A, AA, A}, tokenizer.encode("aaaa", false, false));
  }

  @Test
  void userDefinedPiecesAreAlwaysFoundAndShown() {
    int[] ids = tokenizer.encode("a[X]a", true, false);
    assertArrayEquals(new int[] {BEGIN, MARK_A, USER, MARK_A}, ids);
    assertEquals("a[X] a", tokenizer.decode(ids));
  }

  @Test
  void extraSpacesGoWhereTheModelSaysSo() {
    Map<String, Object> values = new HashMap<>(METADATA);
    values.put("tokenizer.ggml.remove_extra_whitespaces", true);
    Tokenizer tidy = Tokenizers.fromGguf(new Metadata("x.gguf", values));
    assertArrayEquals(new int[] {MARK_A, MARK_A}, tidy.encode("  a   a ", false, false));
    assertArrayEquals(new int[0], tidy.encode("   ", false, false));
  }
}
