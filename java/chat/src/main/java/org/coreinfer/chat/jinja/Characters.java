package org.coreinfer.chat.jinja;

/** Characters as Python sorts them. */
final class Characters {
  private Characters() {}

  /** What {@code str.isspace} says. */
  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || c == 0xa0
        || (c > 0xa0 && Character.isSpaceChar(c));
  }

  /** Whether a line ends before this character, for {@code str.splitlines}. */
  static boolean isLineBreak(int c) {
    return (c >= 0x0a && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  static boolean isNameStart(int c) {
    return c == '_' || Character.isLetter(c);
  }

  static boolean isNamePart(int c) {
    return isNameStart(c) || Character.isDigit(c);
  }

  static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }
}
