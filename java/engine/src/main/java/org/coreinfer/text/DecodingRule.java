package org.coreinfer.text;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * How the pieces of a model become text.
 *
 * @param form what a piece is made of
 * @param byteRuns how the byte tokens of {@link Form#CHARACTERS} are read
 * @param replacements applied to each piece, in order
 * @param strip how many characters {@code stripped} the beginning of a text loses
 * @param firstLoses what is removed from the first piece of a text instead of being replaced; empty
 *     for nothing
 * @param separator put between pieces
 */
record DecodingRule(
    Form form,
    ByteRuns byteRuns,
    List<Replacement> replacements,
    int strip,
    char stripped,
    String firstLoses,
    String separator) {

  enum Form {
    /** Characters of the byte alphabet. */
    BYTES,
    /** Text. */
    CHARACTERS
  }

  /** Tokens such as {@code <0x0A>}. */
  enum ByteRuns {
    /** They are ordinary text. */
    NONE,
    /**
     * A run of them is one text, or one U+FFFD for each byte if any part of it is broken: so does
     * Hugging Face.
     */
    WHOLE,
    /** Every whole character counts, and every other byte is one U+FFFD: so does SentencePiece. */
    EACH_CHARACTER
  }

  record Replacement(String from, String to) {}

  static DecodingRule byteLevel() {
    return new DecodingRule(Form.BYTES, ByteRuns.NONE, List.of(), 0, ' ', "", "");
  }

  static DecodingRule characters(
      ByteRuns byteRuns, List<Replacement> replacements, int strip, char stripped) {
    return new DecodingRule(
        Form.CHARACTERS, byteRuns, List.copyOf(replacements), strip, stripped, "", "");
  }

  /**
   * Word marks become spaces, and the first piece of a text loses its marks where {@code
   * prepended}.
   */
  static DecodingRule metaspace(String mark, boolean prepended) {
    List<Replacement> replacements = List.of(new Replacement(mark, " "));
    return new DecodingRule(
        Form.CHARACTERS, ByteRuns.NONE, replacements, 0, ' ', prepended ? mark : "", "");
  }

  /** Pieces as they are written, with spaces between. */
  static DecodingRule plain() {
    return new DecodingRule(Form.CHARACTERS, ByteRuns.NONE, List.of(), 0, ' ', "", " ");
  }

  /** The text of a piece that is no byte token. */
  String text(String piece) {
    String text = piece;
    for (Replacement replacement : replacements) {
      text = text.replace(replacement.from(), replacement.to());
    }
    return text;
  }

  /** What a piece contributes to running text. */
  byte[] bytes(String piece) {
    if (form == Form.BYTES) {
      return ByteAlphabet.decode(piece);
    }
    String text = text(piece);
    int value = byteRuns == ByteRuns.NONE ? -1 : byteValue(text);
    return value < 0 ? text.getBytes(StandardCharsets.UTF_8) : new byte[] {(byte) value};
  }

  /** The value of a byte token, or -1 for any other piece. */
  static int byteValue(String piece) {
    if (piece.length() != 6 || !piece.startsWith("<0x") || piece.charAt(5) != '>') {
      return -1;
    }
    int high = Character.digit(piece.charAt(3), 16);
    int low = Character.digit(piece.charAt(4), 16);
    boolean isAscii = piece.charAt(3) < 0x80 && piece.charAt(4) < 0x80;
    return isAscii && high >= 0 && low >= 0 ? (high << 4) | low : -1;
  }

  /** The piece of a byte token. */
  static String bytePiece(int value) {
    return String.format("<0x%02X>", value);
  }
}
