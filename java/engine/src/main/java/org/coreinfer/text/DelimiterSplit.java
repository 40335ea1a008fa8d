package org.coreinfer.text;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Cuts at the matches of a pattern, as the Split pre-tokenizer of Hugging Face does. */
final class DelimiterSplit implements PreTokenizer {
  /**
   * What becomes of the matches. Of several in a row, only the one beside other text merges with
   * it.
   */
  enum Behavior {
    REMOVED,
    ISOLATED,
    MERGED_WITH_PREVIOUS,
    MERGED_WITH_NEXT,
    CONTIGUOUS;

    /** The behaviour that a tokenizer.json names, or null. */
    static @Nullable Behavior of(String name) {
      for (Behavior behavior : values()) {
        if (behavior.name().replace("_", "").equals(name.toUpperCase(Locale.ROOT))) {
          return behavior;
        }
      }
      return null;
    }
  }

  private final Pattern delimiter;
  private final Behavior behavior;
  private final boolean invert;

  /**
   * @param invert whether the text between the matches is what counts as the matches
   */
  DelimiterSplit(Pattern delimiter, Behavior behavior, boolean invert) {
    this.delimiter = delimiter;
    this.behavior = behavior;
    this.invert = invert;
  }

  @Override
  public void split(String text, int start, int end, boolean first, Sink pieces) {
    Pass pass = new Pass(text, start, first, pieces);
    int from = start;
    Matcher matcher = delimiter.matcher(text).region(start, end);
    while (matcher.find()) {
      if (matcher.end() > matcher.start()) {
        pass.segment(from, matcher.start(), invert);
        pass.segment(matcher.start(), matcher.end(), !invert);
        from = matcher.end();
      }
    }
    pass.segment(from, end, invert);
    pass.release();
  }

  /**
   * Matches and gaps of one text by turns; holds back the piece that the next segment may still
   * join.
   */
  private final class Pass {
    private final String text;
    private final int textStart;
    private final boolean first;
    private final Sink pieces;
    private int heldStart = -1;
    private int heldEnd = -1;
    private boolean heldIsMatch;

    Pass(String text, int textStart, boolean first, Sink pieces) {
      this.text = text;
      this.textStart = textStart;
      this.first = first;
      this.pieces = pieces;
    }

    void segment(int start, int end, boolean isMatch) {
      if (start == end) {
        return;
      }
      if (heldStart >= 0 && joins(isMatch)) {
        heldEnd = end;
        if (behavior != Behavior.CONTIGUOUS) {
          release();
        }
        return;
      }
      release();
      if (behavior == Behavior.REMOVED && isMatch) {
        return;
      }
      heldStart = start;
      heldEnd = end;
      heldIsMatch = isMatch;
    }

    private boolean joins(boolean isMatch) {
      return switch (behavior) {
        case REMOVED, ISOLATED -> false;
        case MERGED_WITH_PREVIOUS -> isMatch && !heldIsMatch;
        case MERGED_WITH_NEXT -> !isMatch && heldIsMatch;
        case CONTIGUOUS -> isMatch == heldIsMatch;
      };
    }

    void release() {
      if (heldStart >= 0) {
        pieces.accept(text, heldStart, heldEnd, first && heldStart == textStart);
        heldStart = -1;
      }
    }
  }
}
