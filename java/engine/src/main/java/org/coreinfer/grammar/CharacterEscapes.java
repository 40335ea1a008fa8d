package org.coreinfer.grammar;

import org.jspecify.annotations.Nullable;

/** The sets of characters that regular expressions have names for. */
final class CharacterEscapes {
  private static final CodePoints DIGITS = CodePoints.of('0', '9');
  private static final CodePoints WORD =
      DIGITS.or(CodePoints.of('a', 'z')).or(CodePoints.of('A', 'Z')).or(CodePoints.of('_', '_'));

  /** What every engine takes for a space. */
  private static final CodePoints SPACE = CodePoints.of(" \t\n\u000b\f\r");

  /** What some engine takes for a space. */
  static final CodePoints ANY_SPACE =
      SPACE.or(
          CodePoints.of(
              "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
                  + "\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\u180e"));

  /** What every engine's dot matches. */
  static final CodePoints NO_LINE_END = CodePoints.of("\n\r\u0085\u2028\u2029").not();

  private CharacterEscapes() {}

  /** What a backslash before this letter stands for; null if it names no set. */
  static @Nullable CodePoints find(int letter) {
    return switch (letter) {
      case 'd' -> DIGITS;
      case 'D' -> DIGITS.not();
      case 'w' -> WORD;
      case 'W' -> WORD.not();
      case 's' -> SPACE;
      case 'S' -> ANY_SPACE.not();
      case 't' -> CodePoints.of("\t");
      case 'n' -> CodePoints.of("\n");
      case 'r' -> CodePoints.of("\r");
      case 'f' -> CodePoints.of("\f");
      case 'v' -> CodePoints.of("\u000b");
      default -> null;
    };
  }
}
