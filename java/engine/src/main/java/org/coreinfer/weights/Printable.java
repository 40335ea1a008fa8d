package org.coreinfer.weights;

/**
 * Text from a file that may be broken, made fit for an exception message: short, and without
 * control characters.
 */
final class Printable {
  private static final int MAX_LENGTH = 120;

  private Printable() {}

  static String of(String text) {
    StringBuilder printable = new StringBuilder();
    int length = Math.min(text.length(), MAX_LENGTH);
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      printable.append(isHarmless(c) ? c : '?');
    }
    return text.length() > MAX_LENGTH ? printable.append("...").toString() : printable.toString();
  }

  private static boolean isHarmless(char c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }
}
