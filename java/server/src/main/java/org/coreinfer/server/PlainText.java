package org.coreinfer.server;

/** Text of strangers, made fit for a header or a message: ASCII only, and short. */
final class PlainText {
  private static final int MOST_CHARACTERS = 100;

  private PlainText() {}

  /**
   * Printable ASCII as it is, without what separates header values; all else as {@code \\u1234}.
   */
  static String of(String text) {
    StringBuilder plain = new StringBuilder();
    int length = Math.min(text.length(), MOST_CHARACTERS);
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c > ' ' && c < 0x7f && c != ',' && c != '\\' && c != '"') {
        plain.append(c);
      } else {
        plain.append(String.format("\\u%04x", (int) c));
      }
    }
    return length < text.length() ? plain.append("...").toString() : plain.toString();
  }
}
