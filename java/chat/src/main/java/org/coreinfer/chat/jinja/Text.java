package org.coreinfer.chat.jinja;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A string whose characters know whether they are trusted, which means that a template wrote them,
 * or foreign: written by whoever takes part in a conversation. Two texts are equal if their
 * characters are. Immutable.
 */
public final class Text implements Comparable<Text> {
  static final Text EMPTY = trusted("");

  private final String string;
  private final int[] foreign; // start and end of each foreign range, in order, not touching

  private final boolean isMarkup;

  Text(String string, int[] foreign) {
    this(string, foreign, false);
  }

  private Text(String string, int[] foreign, boolean isMarkup) {
    this.string = string;
    this.foreign = foreign;
    this.isMarkup = isMarkup;
  }

  /** A text that a template may have written. */
  public static Text trusted(String string) {
    return new Text(string, new int[0]);
  }

  /** A text from a conversation. */
  public static Text foreign(String string) {
    return string.isEmpty() ? EMPTY : new Text(string, new int[] {0, string.length()});
  }

  /** The characters alone. */
  public String string() {
    return string;
  }

  /** Whether no character of {@code [start, end)} is foreign. */
  public boolean isTrusted(int start, int end) {
    for (int i = 0; i < foreign.length; i += 2) {
      if (foreign[i] < end && start < foreign[i + 1]) {
        return false;
      }
    }
    return true;
  }

  /** The same as HTML, of which jinja2 escapes whatever is added to it. */
  Text asMarkup() {
    return new Text(string, foreign, true);
  }

  boolean isMarkup() {
    return isMarkup;
  }

  boolean isTrusted() {
    return foreign.length == 0;
  }

  int length() {
    return string.length();
  }

  boolean isEmpty() {
    return string.isEmpty();
  }

  /** The foreign ranges: a start, an end, a start, and so on. */
  int[] foreignRanges() {
    return foreign;
  }

  /** The UTF-16 units {@code [start, end)}. */
  Text slice(int start, int end) {
    if (start == 0 && end == string.length()) {
      return this;
    }
    return new TextBuilder().append(this, start, end).toText();
  }

  Text plus(Text next) {
    return new TextBuilder().append(this).append(next).toText();
  }

  /**
   * What became of this text by something that changes characters: trusted where this was, if it
   * kept their number, else only if all of this was.
   */
  Text changed(String result) {
    if (isTrusted()) {
      return trusted(result);
    }
    return result.length() == string.length() ? new Text(result, foreign) : foreign(result);
  }

  /** The number of characters as Python counts them. */
  int codePoints() {
    return string.codePointCount(0, string.length());
  }

  /** Where the character of this number begins, in UTF-16 units. */
  int offset(int codePoint) {
    return string.offsetByCodePoints(0, codePoint);
  }

  @Override
  public int compareTo(Text other) {
    int[] mine = string.codePoints().toArray();
    int[] theirs = other.string.codePoints().toArray();
    return Arrays.compare(mine, theirs);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Text text && text.string.equals(string);
  }

  @Override
  public int hashCode() {
    return string.hashCode();
  }

  @Override
  public String toString() {
    return string;
  }
}
