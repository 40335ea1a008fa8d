package org.coreinfer.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.coreinfer.error.ModelFormatException;

/**
 * The {@code model} of a tokenizer.json, and likewise the pair of vocab.json and merges.txt:
 * byte-pair encoding by a list of merges.
 */
final class BpeJson {
  private final Vocabulary vocabulary;
  private final MergeTable merges;
  private final MergeBoundaries boundaries;
  private int unknown = -1;
  private boolean fusesUnknown;
  private boolean fallsBackToBytes;
  private boolean ignoresMerges;

  /** One merge, and where it stands for messages. */
  private record Merge(Supplier<String> where, String left, String right) {}

  private BpeJson(Vocabulary vocabulary, List<Merge> list, Set<String> special) {
    this.vocabulary = vocabulary;
    this.merges = new MergeTable(list.size());
    this.boundaries = new MergeBoundaries(c -> vocabulary.id(Character.toString(c)) >= 0);
    for (int rank = 0; rank < list.size(); rank++) {
      Merge merge = list.get(rank);
      String result = merge.left + merge.right;
      int left = id(merge, merge.left);
      int right = id(merge, merge.right);
      int id = id(merge, result);
      // Text must not be able to spell a special token by merging.
      if (!special.contains(result)) {
        merges.put(left, right, rank, id);
        boundaries.addPiece(result);
      }
    }
  }

  private int id(Merge merge, String piece) {
    int id = vocabulary.id(piece);
    if (id < 0) {
      throw new ModelFormatException(
          merge.where.get()
              + ": the merge names "
              + Vocabulary.quote(piece)
              + ", which the vocabulary lacks");
    }
    return id;
  }

  /**
   * Reads a {@code model}.
   *
   * @param special the special tokens' texts
   */
  static BpeJson read(JsonNode model, Set<String> special) {
    if (!model.string("type", "BPE").equals("BPE")) {
      throw model.wrong("the type " + model.string("type", "") + " is not supported, expected BPE");
    }
    for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!model.string(key, "").isEmpty()) {
        throw model.wrong(key + " is not supported");
      }
    }
    JsonNode dropout = model.find("dropout");
    if (dropout != null && !dropout.isZero()) {
      throw dropout.wrong("dropout is not supported");
    }
    List<Merge> merges = new ArrayList<>(model.get("merges").size());
    for (JsonNode merge : model.get("merges").list()) {
      String[] parts = merge.isString() ? merge.string().split(" ", -1) : pair(merge);
      if (parts.length != 2) {
        throw merge.wrong(
            "expected two pieces with a space between, found " + Vocabulary.quote(merge.string()));
      }
      merges.add(new Merge(merge::where, parts[0], parts[1]));
    }
    BpeJson bpe = new BpeJson(vocabulary(model.get("vocab")), merges, special);
    bpe.fusesUnknown = model.flag("fuse_unk", false);
    bpe.fallsBackToBytes = model.flag("byte_fallback", false);
    bpe.ignoresMerges = model.flag("ignore_merges", false);
    JsonNode unknown = model.find("unk_token");
    if (unknown != null) {
      bpe.unknown = bpe.vocabulary.id(unknown.string());
      if (bpe.unknown < 0) {
        throw unknown.wrong("the vocabulary lacks " + Vocabulary.quote(unknown.string()));
      }
    }
    return bpe;
  }

  private static String[] pair(JsonNode merge) {
    List<JsonNode> parts = merge.list();
    if (parts.size() != 2) {
      throw merge.wrong("expected two pieces, found " + parts.size());
    }
    return new String[] {parts.get(0).string(), parts.get(1).string()};
  }

  /**
   * Puts together the two files of a GPT-2 folder.
   *
   * @param lines of merges.txt
   */
  static BpeJson read(JsonNode vocab, String mergesFile, List<String> lines, Set<String> special) {
    List<Merge> merges = new ArrayList<>(lines.size());
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.isEmpty() || line.startsWith("#version")) {
        continue;
      }
      String where = mergesFile + ": line " + (i + 1);
      String[] parts = line.split(" ", -1);
      if (parts.length != 2) {
        throw new ModelFormatException(
            where + ": expected two pieces with a space between, found " + Vocabulary.quote(line));
      }
      merges.add(new Merge(() -> where, parts[0], parts[1]));
    }
    return new BpeJson(vocabulary(vocab), merges, special);
  }

  private static Vocabulary vocabulary(JsonNode vocab) {
    Vocabulary vocabulary = new Vocabulary(Math.min(vocab.size(), Vocabulary.MAX_SIZE));
    vocab.forEach((piece, id) -> vocabulary.add(vocab.where(), piece, id.integer()));
    return vocabulary;
  }

  /** The pieces of the model itself; added tokens may follow. */
  Vocabulary vocabulary() {
    return vocabulary;
  }

  /**
   * The stages that turn normalized text into ids.
   *
   * @param bytes whether the pieces of {@code preTokenizer} are to be spelled in the byte alphabet
   * @param special ids that no text may spell
   */
  Stages stages(PreTokenizer preTokenizer, boolean bytes, Set<String> special) {
    BpeModel.Builder model = new BpeModel.Builder(merges);
    Map<String, Integer> words = new HashMap<>();
    for (int id = 0; id < vocabulary.size(); id++) {
      String piece = vocabulary.piece(id);
      if (piece == null || piece.isEmpty() || special.contains(piece)) {
        continue;
      }
      words.put(piece, id);
      if (piece.codePointCount(0, piece.length()) == 1) {
        model.symbol(piece.codePointAt(0), id);
      }
    }
    if (ignoresMerges) {
      model.wholeWords(words);
    }
    if (unknown >= 0) {
      model.unknown(unknown, fusesUnknown);
    }
    if (fallsBackToBytes) {
      model.byteFallback(byteTokens(vocabulary));
    }
    if (bytes && unknown < 0 && !fallsBackToBytes) {
      model.byteLevel(byteSymbols(vocabulary));
      return new Stages(preTokenizer, model.build());
    }
    PreTokenizer spelled = bytes ? preTokenizer.then(PreTokenizer.byteAlphabet()) : preTokenizer;
    BpeModel built = model.build();
    return new Stages(ignoresMerges ? spelled : spelled.then(PreTokenizer.of(boundaries)), built);
  }

  record Stages(PreTokenizer preTokenizer, BpeModel model) {}

  /** The ids of the tokens {@code <0x00>} to {@code <0xFF>}, or -1. */
  static int[] byteTokens(Vocabulary vocabulary) {
    int[] tokens = new int[256];
    for (int value = 0; value < 256; value++) {
      tokens[value] = vocabulary.id(DecodingRule.bytePiece(value));
    }
    return tokens;
  }

  /** The ids of the 256 characters of the byte alphabet, or -1. */
  static int[] byteSymbols(Vocabulary vocabulary) {
    int[] symbols = new int[256];
    for (int value = 0; value < 256; value++) {
      symbols[value] = vocabulary.id(String.valueOf(ByteAlphabet.character(value)));
    }
    return symbols;
  }
}
