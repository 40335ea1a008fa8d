package org.coreinfer.text;

/**
 * Decodes UTF-8 byte by byte, and holds back the bytes of an unfinished character. What is not
 * UTF-8 becomes U+FFFD: one for each longest start of a character (the practice of Unicode and of
 * Rust), or one for each byte (that of SentencePiece).
 */
final class Utf8Decoder {
  private static final char REPLACEMENT = '\ufffd';

  private final boolean replacesEachByte;
  private int codePoint;
  private int taken;
  private int missing;
  private int lowest;
  private int highest;

  Utf8Decoder(boolean replacesEachByte) {
    this.replacesEachByte = replacesEachByte;
  }

  void accept(byte next, StringBuilder out) {
    int unit = next & 0xff;
    if (missing > 0 && (unit < lowest || unit > highest)) {
      finish(out);
    }
    if (missing == 0) {
      begin(unit, out);
      return;
    }
    codePoint = (codePoint << 6) | (unit & 0x3f);
    lowest = 0x80;
    highest = 0xbf;
    taken++;
    if (--missing == 0) {
      out.appendCodePoint(codePoint);
    }
  }

  /** The end of the bytes: an unfinished character is replaced. */
  void finish(StringBuilder out) {
    if (missing > 0) {
      for (int i = 0; i < (replacesEachByte ? taken : 1); i++) {
        out.append(REPLACEMENT);
      }
      missing = 0;
    }
  }

  /**
   * The range of the second byte keeps out overlong forms, surrogates and what lies past U+10FFFF.
   */
  private void begin(int unit, StringBuilder out) {
    lowest = 0x80;
    highest = 0xbf;
    taken = 1;
    if (unit < 0x80) {
      out.append((char) unit);
    } else if (unit >= 0xc2 && unit < 0xe0) {
      missing = 1;
      codePoint = unit & 0x1f;
    } else if (unit >= 0xe0 && unit < 0xf0) {
      missing = 2;
      codePoint = unit & 0x0f;
      lowest = unit == 0xe0 ? 0xa0 : 0x80;
      highest = unit == 0xed ? 0x9f : 0xbf;
    } else if (unit >= 0xf0 && unit < 0xf5) {
      missing = 3;
      codePoint = unit & 0x07;
      lowest = unit == 0xf0 ? 0x90 : 0x80;
      highest = unit == 0xf4 ? 0x8f : 0xbf;
    } else {
      out.append(REPLACEMENT);
    }
  }
}
