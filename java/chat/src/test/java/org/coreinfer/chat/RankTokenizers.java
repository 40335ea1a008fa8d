package org.coreinfer.chat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.text.Tokenizer;
import org.coreinfer.text.Tokenizers;
import org.coreinfer.weights.Metadata;

/**
 * Byte-level tokenizers over the first of Llama 3's ranks, with the special tokens of several
 * models.
 */
final class RankTokenizers {
  private static final int MOST_RANKS = 16_000;
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  private RankTokenizers() {}

  static Tokenizer llama3(Path ranks) {
    return of(
        ranks,
        "llama-bpe",
        List.of(
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
            "<|python_tag|>"),
        List.of());
  }

  /** Split as Qwen does it; tool calls are marked by tokens that are not special. */
  static Tokenizer qwen(Path ranks) {
    return of(
        ranks,
        "qwen2",
        List.of("<|endoftext|>", "<|im_end|>", "<|im_start|>"),
        List.of("<tool_call>", "</tool_call>"));
  }

  private static Tokenizer of(
      Path ranks, String split, List<String> control, List<String> userDefined) {
    List<String> pieces = pieces(ranks);
    List<String> merges = merges(pieces);
    long[] types = new long[pieces.size() + control.size() + userDefined.size()];
    Arrays.fill(types, NORMAL);
    Arrays.fill(types, pieces.size(), pieces.size() + control.size(), CONTROL);
    Arrays.fill(types, pieces.size() + control.size(), types.length, USER_DEFINED);
    long bos = pieces.size();
    pieces.addAll(control);
    pieces.addAll(userDefined);
    return Tokenizers.fromGguf(
        new Metadata(
            "ranks",
            Map.of(
                "tokenizer.ggml.model", "gpt2",
                "tokenizer.ggml.pre", split,
                "tokenizer.ggml.tokens", pieces,
                "tokenizer.ggml.token_type", types,
                "tokenizer.ggml.merges", merges,
                "tokenizer.ggml.bos_token_id", bos,
                "tokenizer.ggml.eos_token_id", bos + 1)));
  }

  private static List<String> pieces(Path ranks) {
    try {
      List<String> pieces = new ArrayList<>();
      for (String line : Files.readAllLines(ranks).subList(0, MOST_RANKS)) {
        byte[] bytes = Base64.getDecoder().decode(line.substring(0, line.indexOf(' ')));
        StringBuilder piece = new StringBuilder();
        for (byte next : bytes) {
          piece.append(character(next & 0xff));
        }
        pieces.add(piece.toString());
      }
      return pieces;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What stands for a byte: itself where it can be printed, else a letter from 256 on. */
  private static char character(int value) {
    int hidden = 0;
    for (int b = 0; b <= value; b++) {
      boolean isShown =
          (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
      if (b == value) {
        return (char) (isShown ? b : 256 + hidden);
      }
      hidden += isShown ? 0 : 1;
    }
    throw new AssertionError(value);
  }

  private static List<String> merges(List<String> pieces) {
    Set<String> known = new HashSet<>(pieces);
    List<String> merges = new ArrayList<>();
    for (String piece : pieces) {
      for (int cut = 1; cut < piece.length(); cut++) {
        String left = piece.substring(0, cut);
        String right = piece.substring(cut);
        if (known.contains(left) && known.contains(right)) {
          merges.add(left + " " + right);
        }
      }
    }
    return merges;
  }
}
