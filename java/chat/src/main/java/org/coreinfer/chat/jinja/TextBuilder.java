package org.coreinfer.chat.jinja;

import java.util.Arrays;

/** Joins texts; each character stays trusted or foreign. */
final class TextBuilder {
  private final StringBuilder string = new StringBuilder();
  private int[] foreign = new int[8];
  private int used;

  TextBuilder append(Text text) {
    return append(text, 0, text.length());
  }

  /** Adds the UTF-16 units {@code [start, end)} of a text. */
  TextBuilder append(Text text, int start, int end) {
    int shift = string.length() - start;
    int[] ranges = text.foreignRanges();
    for (int i = 0; i < ranges.length; i += 2) {
      mark(Math.max(ranges[i], start) + shift, Math.min(ranges[i + 1], end) + shift);
    }
    string.append(text.string(), start, end);
    return this;
  }

  /** Adds what a template or this engine wrote. */
  TextBuilder append(String trusted) {
    string.append(trusted);
    return this;
  }

  /** Adds characters that stand for {@code [start, end)} of a text, and are as trusted as those. */
  TextBuilder append(String shown, Text text, int start, int end) {
    if (!text.isTrusted(start, end)) {
      mark(string.length(), string.length() + shown.length());
    }
    string.append(shown);
    return this;
  }

  private void mark(int start, int end) {
    if (start >= end) {
      return;
    }
    if (used > 0 && foreign[used - 1] == start) {
      foreign[used - 1] = end;
      return;
    }
    if (used == foreign.length) {
      foreign = Arrays.copyOf(foreign, 2 * used);
    }
    foreign[used++] = start;
    foreign[used++] = end;
  }

  int length() {
    return string.length();
  }

  Text toText() {
    return new Text(string.toString(), Arrays.copyOf(foreign, used));
  }
}
