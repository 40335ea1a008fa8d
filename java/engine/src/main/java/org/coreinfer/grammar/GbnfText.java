package org.coreinfer.grammar;

/** The source of a grammar, read character by character. */
final class GbnfText {
  /** What {@link #next} gives at the end. */
  static final int END = -1;

  private final String source;
  private int at;

  GbnfText(String source) {
    this.source = source;
  }

  int at() {
    return at;
  }

  /** The next character, which stays; {@link #END} if there is none. */
  int next() {
    return at < source.length() ? source.codePointAt(at) : END;
  }

  /** Takes a character. */
  int take() {
    int point = next();
    at += Character.charCount(point);
    return point;
  }

  /** Takes a text if it is next. */
  boolean take(String expected) {
    boolean isNext = source.startsWith(expected, at);
    at += isNext ? expected.length() : 0;
    return isNext;
  }

  /**
   * Takes spaces and comments.
   *
   * @param linesToo whether ends of lines are taken, too
   */
  void skip(boolean linesToo) {
    while (next() != END) {
      if (next() == '#') {
        while (next() != END && !isLineEnd(next())) {
          take();
        }
      } else if (next() == ' ' || next() == '\t' || (linesToo && isLineEnd(next()))) {
        take();
      } else {
        return;
      }
    }
  }

  /** Takes ends of lines, spaces and comments if another alternative follows them. */
  void skipToAlternative() {
    int start = at;
    skip(true);
    if (next() != '|') {
      at = start;
    }
  }

  static boolean isLineEnd(int point) {
    return point == '\n' || point == '\r';
  }

  /** Takes hexadecimal digits, or says what is wrong. */
  int hex(int digits) {
    int start = at;
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = next() == END ? -1 : Character.digit(next(), 16);
      if (digit < 0 || next() > 0x7f) {
        throw wrong(start, "expected " + digits + " hexadecimal digits");
      }
      value = value << 4 | digit;
      take();
    }
    return value;
  }

  GbnfException wrong(String problem) {
    return wrong(at, problem);
  }

  /** What is wrong at a place. */
  GbnfException wrong(int place, String problem) {
    int line = 1;
    int begin = 0;
    for (int i = 0; i < place; i++) {
      if (source.charAt(i) == '\n') {
        line++;
        begin = i + 1;
      }
    }
    return new GbnfException(line, source.codePointCount(begin, place) + 1, problem);
  }

  /** What is next, for messages. */
  String found() {
    int point = next();
    if (point == END) {
      return "the end of the grammar";
    }
    return isLineEnd(point) ? "the end of the line" : Character.toString(point);
  }
}
