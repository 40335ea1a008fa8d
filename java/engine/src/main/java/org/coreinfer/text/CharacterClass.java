package org.coreinfer.text;

/**
 * The four classes that split patterns tell apart: {@code \\p{L}}, {@code \\p{N}}, {@code \\s} and
 * the rest, as of Unicode 16. The Java runtime knows its own version of Unicode (13 in JDK 17), so
 * what came since is listed here.
 */
final class CharacterClass {
  static final byte OTHER = 0;
  static final byte LETTER = 1;
  static final byte NUMBER = 2;
  static final byte SPACE = 3;

  /** First and last code points, by turns. */
  private static final int[] LETTERS_SINCE_13 = {
    0x870, 0x887, 0x889, 0x88e, 0x8b5, 0x8b5, 0x8c8, 0x8c9, 0xc5d, 0xc5d, 0xcdd, 0xcdd, 0x170d,
    0x170d, 0x171f, 0x171f, 0x1b4c, 0x1b4c, 0x1c89, 0x1c8a, 0x2c2f, 0x2c2f, 0x2c5f, 0x2c5f, 0x9ffd,
    0x9fff, 0xa7c0, 0xa7c1, 0xa7cb, 0xa7cd, 0xa7d0, 0xa7d1, 0xa7d3, 0xa7d3, 0xa7d5, 0xa7dc, 0xa7f2,
    0xa7f4, 0x10570, 0x1057a, 0x1057c, 0x1058a, 0x1058c, 0x10592, 0x10594, 0x10595, 0x10597,
    0x105a1, 0x105a3, 0x105b1, 0x105b3, 0x105b9, 0x105bb, 0x105bc, 0x105c0, 0x105f3, 0x10780,
    0x10785, 0x10787, 0x107b0, 0x107b2, 0x107ba, 0x10d4a, 0x10d65, 0x10d6f, 0x10d85, 0x10ec2,
    0x10ec4, 0x10f70, 0x10f81, 0x11071, 0x11072, 0x11075, 0x11075, 0x1123f, 0x11240, 0x11380,
    0x11389, 0x1138b, 0x1138b, 0x1138e, 0x1138e, 0x11390, 0x113b5, 0x113b7, 0x113b7, 0x113d1,
    0x113d1, 0x113d3, 0x113d3, 0x11740, 0x11746, 0x11ab0, 0x11abf, 0x11bc0, 0x11be0, 0x11f02,
    0x11f02, 0x11f04, 0x11f10, 0x11f12, 0x11f33, 0x12f90, 0x12ff0, 0x1342f, 0x1342f, 0x13441,
    0x13446, 0x13460, 0x143fa, 0x16100, 0x1611d, 0x16a70, 0x16abe, 0x16d40, 0x16d6c, 0x18cff,
    0x18cff, 0x1aff0, 0x1aff3, 0x1aff5, 0x1affb, 0x1affd, 0x1affe, 0x1b11f, 0x1b122, 0x1b132,
    0x1b132, 0x1b155, 0x1b155, 0x1df00, 0x1df1e, 0x1df25, 0x1df2a, 0x1e030, 0x1e06d, 0x1e290,
    0x1e2ad, 0x1e4d0, 0x1e4eb, 0x1e5d0, 0x1e5ed, 0x1e5f0, 0x1e5f0, 0x1e7e0, 0x1e7e6, 0x1e7e8,
    0x1e7eb, 0x1e7ed, 0x1e7ee, 0x1e7f0, 0x1e7fe, 0x2a6de, 0x2a6df, 0x2b735, 0x2b739, 0x2ebf0,
    0x2ee5d, 0x31350, 0x323af
  };

  private static final int[] NUMBERS_SINCE_13 = {
    0x10d40, 0x10d49, 0x116d0, 0x116e3, 0x11bf0, 0x11bf9, 0x11f50, 0x11f59, 0x16130, 0x16139,
    0x16ac0, 0x16ac9, 0x16d70, 0x16d79, 0x1ccf0, 0x1ccf9, 0x1d2c0, 0x1d2d3, 0x1e4f0, 0x1e4f9,
    0x1e5f1, 0x1e5fa
  };

  private static final byte[] BASIC_PLANE = new byte[0x10000];

  static {
    for (int c = 0; c < BASIC_PLANE.length; c++) {
      BASIC_PLANE[c] = classify(c);
    }
  }

  private CharacterClass() {}

  static byte of(int codePoint) {
    return codePoint < BASIC_PLANE.length ? BASIC_PLANE[codePoint] : classify(codePoint);
  }

  /**
   * The class of the code point at {@code index}; a surrogate pair that {@code end} cuts counts as
   * other.
   */
  static byte at(String text, int index, int end) {
    char c = text.charAt(index);
    if (Character.isHighSurrogate(c) && index + 1 < end) {
      return classify(text.codePointAt(index));
    }
    return BASIC_PLANE[c];
  }

  /** The end of the run of {@code wanted} code points that starts at {@code index}. */
  static int runEnd(String text, int index, int end, byte wanted) {
    int i = index;
    while (i < end) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c) && i + 1 < end) {
        int codePoint = text.codePointAt(i);
        if (classify(codePoint) != wanted) {
          return i;
        }
        i += Character.charCount(codePoint);
      } else if (BASIC_PLANE[c] != wanted) {
        return i;
      } else {
        i++;
      }
    }
    return i;
  }

  /** Whether a code point belongs to a word, in the sense of {@code \\w}. */
  static boolean isWord(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.NON_SPACING_MARK,
          Character.COMBINING_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.DECIMAL_DIGIT_NUMBER,
          Character.CONNECTOR_PUNCTUATION ->
          true;
      case Character.UNASSIGNED -> of(codePoint) != OTHER;
      default ->
          of(codePoint) == LETTER
              || Character.isAlphabetic(codePoint)
              || codePoint == 0x200c
              || codePoint == 0x200d;
    };
  }

  static boolean isSpace(int codePoint) {
    return of(codePoint) == SPACE;
  }

  private static byte classify(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          SPACE;
      case Character.CONTROL ->
          (codePoint >= '\t' && codePoint <= '\r') || codePoint == 0x85 ? SPACE : OTHER;
      case Character.UNASSIGNED ->
          isIn(LETTERS_SINCE_13, codePoint)
              ? LETTER
              : isIn(NUMBERS_SINCE_13, codePoint) ? NUMBER : OTHER;
      default -> OTHER;
    };
  }

  private static boolean isIn(int[] ranges, int codePoint) {
    for (int i = 0; i < ranges.length; i += 2) {
      if (codePoint >= ranges[i] && codePoint <= ranges[i + 1]) {
        return true;
      }
    }
    return false;
  }
}
