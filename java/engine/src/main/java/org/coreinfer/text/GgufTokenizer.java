package org.coreinfer.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.text.SentencePiece.Piece;
import org.coreinfer.weights.Metadata;

/**
 * The tokenizer in a GGUF file's metadata: {@code tokenizer.ggml.model} is {@code llama}
 * (SentencePiece) or {@code gpt2} (byte-level BPE).
 */
final class GgufTokenizer {
  /** What ends an answer in the formats of well-known models. */
  private static final Set<String> ENDS_OF_TURNS =
      Set.of(
          "<|im_end|>",
          "<|eot_id|>",
          "<|eom_id|>",
          "<|end|>",
          "<|end_of_turn|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|END_OF_TURN_TOKEN|>",
          "<｜end▁of▁sentence｜>");

  private static final String KEY = "tokenizer.ggml.";

  private final Metadata metadata;
  private final List<String> pieces;
  private final int[] types;

  private GgufTokenizer(Metadata metadata) {
    this.metadata = metadata;
    this.pieces = metadata.strings(KEY + "tokens");
    if (pieces.isEmpty() || pieces.size() > Vocabulary.MAX_SIZE) {
      throw wrong(
          "tokens", "expected 1 to " + Vocabulary.MAX_SIZE + " pieces, found " + pieces.size());
    }
    this.types = types();
  }

  static Tokenizer read(Metadata metadata) {
    GgufTokenizer tokenizer = new GgufTokenizer(metadata);
    String model = metadata.string(KEY + "model");
    return switch (model) {
      case "llama" -> tokenizer.sentencePiece();
      case "gpt2" -> tokenizer.byteLevel();
      default -> throw tokenizer.wrong("model", Vocabulary.quote(model) + " is not supported");
    };
  }

  private int[] types() {
    int[] types = new int[pieces.size()];
    Arrays.fill(types, SentencePiece.NORMAL);
    if (!metadata.has(KEY + "token_type")) {
      return types;
    }
    long[] given = metadata.integers(KEY + "token_type");
    if (given.length != types.length) {
      throw wrong("token_type", "expected " + types.length + " types, found " + given.length);
    }
    for (int id = 0; id < given.length; id++) {
      if (given[id] < SentencePiece.NORMAL || given[id] > SentencePiece.BYTE) {
        throw wrong("token_type", "the type of " + id + " is " + given[id] + ", expected 1 to 6");
      }
      types[id] = (int) given[id];
    }
    return types;
  }

  private Tokenizer sentencePiece() {
    double[] scores = metadata.numbers(KEY + "scores");
    if (scores.length != pieces.size()) {
      throw wrong("scores", "expected " + pieces.size() + " scores, found " + scores.length);
    }
    List<Piece> typed = new ArrayList<>(types.length);
    for (int id = 0; id < types.length; id++) {
      typed.add(new Piece(pieces.get(id), scores[id], types[id]));
    }
    return new SentencePiece(
            metadata.source() + ": " + KEY + "tokens",
            typed,
            id("unknown_token_id"),
            Arrays.stream(types).anyMatch(type -> type == SentencePiece.BYTE),
            metadata.flag(KEY + "add_space_prefix", true),
            metadata.flag(KEY + "remove_extra_whitespaces", false),
            false,
            sequenceTokens(true))
        .tokenizer();
  }

  private Tokenizer byteLevel() {
    String source = metadata.source() + ": " + KEY + "tokens";
    Vocabulary vocabulary = Vocabulary.of(source, pieces);
    List<AddedToken> addedTokens = new ArrayList<>();
    BitSet special = new BitSet();
    Map<String, Integer> words = new HashMap<>();
    for (int id = 0; id < types.length; id++) {
      if (types[id] == SentencePiece.NORMAL) {
        words.putIfAbsent(pieces.get(id), id);
      } else {
        boolean isUserDefined = types[id] == SentencePiece.USER_DEFINED;
        special.set(id, !isUserDefined);
        addedTokens.add(AddedToken.plain(id, pieces.get(id), !isUserDefined));
      }
    }
    BpeModel.Builder model =
        new BpeModel.Builder(merges(vocabulary, special))
            .byteLevel(BpeJson.byteSymbols(vocabulary));
    GgufSplit split = split();
    if (split.ignoresMerges()) {
      model.wholeWords(words);
    }
    return new BpeTokenizer(
        new BpeTokenizer.Parts(
            vocabulary,
            addedTokens,
            Normalizer.NONE,
            metadata.flag(KEY + "add_space_prefix", false)
                ? PreTokenizer.spaceBefore().then(split.preTokenizer())
                : split.preTokenizer(),
            model.build(),
            DecodingRule.byteLevel(),
            special,
            sequenceTokens(split.addsBos())));
  }

  /**
   * Each merge is two pieces with a space between; pieces in the byte alphabet have none within.
   */
  private MergeTable merges(Vocabulary vocabulary, BitSet special) {
    List<String> list = metadata.strings(KEY + "merges");
    MergeTable merges = new MergeTable(list.size());
    for (int rank = 0; rank < list.size(); rank++) {
      String merge = list.get(rank);
      int space = merge.indexOf(' ', 1);
      int left = space < 0 ? -1 : vocabulary.id(merge.substring(0, space));
      int right = space < 0 ? -1 : vocabulary.id(merge.substring(space + 1));
      int result =
          space < 0 ? -1 : vocabulary.id(merge.substring(0, space) + merge.substring(space + 1));
      if (left < 0 || right < 0 || result < 0) {
        throw wrong(
            "merges",
            "the merge "
                + rank
                + ", "
                + Vocabulary.quote(merge)
                + ", names no two pieces that join to a third");
      }
      if (!special.get(result)) {
        merges.put(left, right, rank, result);
      }
    }
    return merges;
  }

  private GgufSplit split() {
    String name = metadata.string(KEY + "pre", "default");
    GgufSplit split = GgufSplit.of(name);
    if (split == null) {
      throw wrong("pre", "the pre-tokenizer " + Vocabulary.quote(name) + " is not supported");
    }
    return split;
  }

  private SequenceTokens sequenceTokens(boolean addsBosByDefault) {
    Set<Integer> ends = new LinkedHashSet<>();
    for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
      int id = id(key);
      if (id >= 0) {
        ends.add(id);
      }
    }
    if (metadata.has(ChatTemplateTexts.GGUF_TEMPLATE)) {
      addEndsOfTurns(ends);
    }
    return SequenceTokens.of(
        id("bos_token_id"),
        metadata.flag(KEY + "add_bos_token", addsBosByDefault),
        List.copyOf(ends),
        metadata.flag(KEY + "add_eos_token", false) && metadata.has(KEY + "eos_token_id"));
  }

  /** Many files name the end of a text alone, although answers of their model end with a turn's. */
  private void addEndsOfTurns(Set<Integer> ends) {
    for (int id = 0; id < types.length; id++) {
      if (types[id] == SentencePiece.CONTROL && ENDS_OF_TURNS.contains(pieces.get(id))) {
        ends.add(id);
      }
    }
  }

  /** A token id, or -1 if the file has none. */
  private int id(String key) {
    int id = metadata.integer(KEY + key, -1);
    if (metadata.has(KEY + key) && (id < 0 || id >= pieces.size())) {
      throw wrong(key, "expected 0 to " + (pieces.size() - 1) + ", found " + id);
    }
    return id;
  }

  private ModelFormatException wrong(String key, String what) {
    return new ModelFormatException(metadata.source() + ": " + KEY + key + ": " + what);
  }
}
