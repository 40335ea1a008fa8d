package org.coreinfer.text;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.weights.Metadata;

/** Llama 3's tiktoken ranks as the GGUF metadata that converters make of them. */
final class Llama3Ranks {
  private Llama3Ranks() {}

  static Metadata read() throws IOException {
    List<String> pieces = new ArrayList<>();
    for (String line :
        Files.readAllLines(SharedData.path("data/tokenizers/llama3/tokenizer.model"))) {
      byte[] bytes = Base64.getDecoder().decode(line.substring(0, line.indexOf(' ')));
      StringBuilder piece = new StringBuilder();
      for (byte next : bytes) {
        piece.append(ByteAlphabet.character(next & 0xff));
      }
      pieces.add(piece.toString());
    }
    Set<String> known = new HashSet<>(pieces);
    List<String> merges = new ArrayList<>();
    for (String piece : pieces) {
      for (int cut = 1; cut < piece.length(); cut++) {
        if (known.contains(piece.substring(0, cut)) && known.contains(piece.substring(cut))) {
          merges.add(piece.substring(0, cut) + " " + piece.substring(cut));
        }
      }
    }
    long[] types = new long[pieces.size() + 2];
    Arrays.fill(types, SentencePiece.NORMAL);
    types[pieces.size()] = SentencePiece.CONTROL;
    types[pieces.size() + 1] = SentencePiece.CONTROL;
    pieces.add("<|begin_of_text|>");
    pieces.add("<|end_of_text|>");
    return new Metadata(
        "llama3",
        Map.of(
            "tokenizer.ggml.model",
            "gpt2",
            "tokenizer.ggml.pre",
            "llama-bpe",
            "tokenizer.ggml.tokens",
            pieces,
            "tokenizer.ggml.token_type",
            types,
            "tokenizer.ggml.merges",
            merges,
            "tokenizer.ggml.bos_token_id",
            128_000L,
            "tokenizer.ggml.eos_token_id",
            128_001L));
  }
}
