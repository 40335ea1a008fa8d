package org.coreinfer.synthesis;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.weights.GgufWriter;

/**
 * A tokenizer of any size in llama.cpp's form: a token for each byte, and then all words of two,
 * three and more letters a to z. Each word is made of the word without its last letter and that
 * letter.
 */
final class SyntheticVocabulary {
  private static final String KEY = "tokenizer.ggml.";
  private static final String WORD_MARK = "\u2581";
  private static final int BYTES = 256;
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int BYTE = 6;

  private final List<String> pieces = new ArrayList<>();
  private final int[] types;
  private final List<String> merges = new ArrayList<>();

  private SyntheticVocabulary(int size) {
    this.types = new int[size];
  }

  /** SentencePiece, as Llama 2 has it. */
  static void putSentencePiece(GgufWriter writer, int size) {
    SyntheticVocabulary vocabulary = new SyntheticVocabulary(size);
    vocabulary.add("<unk>", UNKNOWN);
    vocabulary.add("<s>", CONTROL);
    vocabulary.add("</s>", CONTROL);
    for (int value = 0; value < BYTES; value++) {
      vocabulary.add("<0x%02X>".formatted(value), BYTE);
    }
    vocabulary.add(WORD_MARK, NORMAL);
    for (char letter = 'a'; letter <= 'z'; letter++) {
      vocabulary.add(Character.toString(letter), NORMAL);
    }
    for (char letter = 'a'; letter <= 'z'; letter++) {
      vocabulary.add(WORD_MARK + letter, NORMAL);
    }
    vocabulary.addWords(size);
    float[] scores = new float[size];
    for (int id = BYTES; id < size; id++) {
      scores[id] = BYTES - id; // earlier pieces are joined first
    }
    vocabulary.put(writer, "llama", 1, 2);
    writer.numbers(KEY + "scores", scores);
    writer.integer(KEY + "unknown_token_id", 0);
  }

  /**
   * Byte-level BPE, as Llama 3 and OPT have it.
   *
   * @param split llama.cpp's name of the pattern that splits texts; empty for none
   */
  static void putByteLevel(GgufWriter writer, int size, String split) {
    SyntheticVocabulary vocabulary = new SyntheticVocabulary(size);
    for (int value = 0; value < BYTES; value++) {
      vocabulary.add(Character.toString(symbol(value)), NORMAL);
    }
    vocabulary.addWords(size - 2);
    vocabulary.add("<|begin_of_text|>", CONTROL);
    vocabulary.add("<|end_of_text|>", CONTROL);
    vocabulary.put(writer, "gpt2", size - 2, size - 1);
    writer.strings(KEY + "merges", vocabulary.merges);
    if (!split.isEmpty()) {
      writer.string(KEY + "pre", split);
    }
  }

  /** The character that stands for a byte: itself if it can be seen, else one from 256 on. */
  private static int symbol(int value) {
    int hidden = BYTES;
    for (int other = 0; other < value; other++) {
      hidden += isVisible(other) ? 0 : 1;
    }
    return isVisible(value) ? value : hidden;
  }

  private static boolean isVisible(int value) {
    return (value >= '!' && value <= '~') || (value >= 0xA1 && value != 0xAD);
  }

  private void add(String piece, int type) {
    types[pieces.size()] = type;
    pieces.add(piece);
  }

  /** Words in the order of their lengths, until there are so many pieces. */
  private void addWords(int most) {
    List<String> shorter = letters();
    while (pieces.size() < most) {
      shorter = longer(shorter, most);
    }
  }

  private List<String> longer(List<String> beginnings, int most) {
    List<String> words = new ArrayList<>();
    for (String beginning : beginnings) {
      for (String letter : letters()) {
        if (pieces.size() == most) {
          return words;
        }
        words.add(beginning + letter);
        merges.add(beginning + " " + letter);
        add(beginning + letter, NORMAL);
      }
    }
    return words;
  }

  private static List<String> letters() {
    return "abcdefghijklmnopqrstuvwxyz".chars().mapToObj(Character::toString).toList();
  }

  private void put(GgufWriter writer, String model, int begin, int end) {
    writer.string(KEY + "model", model);
    writer.strings(KEY + "tokens", pieces);
    writer.integers(KEY + "token_type", types);
    writer.integer(KEY + "bos_token_id", begin);
    writer.integer(KEY + "eos_token_id", end);
    writer.flag(KEY + "add_bos_token", true);
  }
}
