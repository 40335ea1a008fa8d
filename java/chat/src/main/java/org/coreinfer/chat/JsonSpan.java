package org.coreinfer.chat;

/** Follows a JSON object or list, character by character, to where it ends. */
final class JsonSpan {
  private int depth;
  private boolean isInString;
  private boolean isEscaped;

  /** Takes the next character; true if the value ends with it. */
  boolean accept(char c) {
    if (isInString) {
      if (isEscaped) {
        isEscaped = false;
      } else if (c == '\\') {
        isEscaped = true;
      } else if (c == '"') {
        isInString = false;
      }
      return false;
    }
    switch (c) {
      case '"' -> isInString = true;
      case '{', '[' -> depth++;
      case '}', ']' -> depth--;
      default -> {}
    }
    return depth <= 0;
  }
}
