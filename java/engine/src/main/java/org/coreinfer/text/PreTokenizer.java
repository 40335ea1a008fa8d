package org.coreinfer.text;

import java.util.regex.Pattern;

/** Cuts normalized text into the pieces that merges stay within. */
interface PreTokenizer {
  /** Takes the pieces of one text in order. */
  interface Sink {
    /** The piece {@code text[start, end)}; {@code first} as in {@link #split}. */
    void accept(String text, int start, int end, boolean first);
  }

  /**
   * Passes on the pieces of {@code text[start, end)}; none is empty.
   *
   * @param first whether the range begins the whole text that is being encoded
   */
  void split(String text, int start, int end, boolean first, Sink pieces);

  /** The whole text as one piece. */
  PreTokenizer NONE = (text, start, end, first, pieces) -> pieces.accept(text, start, end, first);

  /** Cuts every piece of this one further. */
  default PreTokenizer then(PreTokenizer next) {
    if (this == NONE || next == NONE) {
      return this == NONE ? next : this;
    }
    return (text, start, end, first, pieces) ->
        split(text, start, end, first, (t, s, e, f) -> next.split(t, s, e, f, pieces));
  }

  /** Pieces that lie end to end. */
  static PreTokenizer of(SplitPattern pattern) {
    return (text, start, end, first, pieces) -> {
      for (int from = start; from < end; ) {
        int to = pattern.pieceEnd(text, from, end);
        pieces.accept(text, from, to, first && from == start);
        from = to;
      }
    };
  }

  /** Puts a space before a piece that has none. */
  static PreTokenizer spaceBefore() {
    return (text, start, end, first, pieces) -> {
      if (start == end || text.charAt(start) == ' ') {
        pieces.accept(text, start, end, first);
      } else {
        String prefixed = " " + text.substring(start, end);
        pieces.accept(prefixed, 0, prefixed.length(), first);
      }
    };
  }

  /** Spells every piece in the byte alphabet. */
  static PreTokenizer byteAlphabet() {
    return (text, start, end, first, pieces) -> {
      String spelled = ByteAlphabet.encode(text.substring(start, end));
      pieces.accept(spelled, 0, spelled.length(), first);
    };
  }

  /** Numbers apart from the rest: each digit alone, or each run of them together. */
  static PreTokenizer digits(boolean individual) {
    return of(
        (text, start, end) -> {
          boolean isNumber = CharacterClass.at(text, start, end) == CharacterClass.NUMBER;
          if (isNumber && individual) {
            return start + Character.charCount(text.codePointAt(start));
          }
          int i = start;
          while (i < end
              && (CharacterClass.at(text, i, end) == CharacterClass.NUMBER) == isNumber) {
            i += Character.charCount(text.codePointAt(i));
          }
          return i;
        });
  }

  /** When {@link #metaspace} puts a word mark before a piece that has none. */
  enum Prepend {
    ALWAYS,
    FIRST,
    NEVER
  }

  /** Spaces become word marks and, where wanted, pieces begin at the marks. */
  static PreTokenizer metaspace(String mark, Prepend prepend, boolean split) {
    PreTokenizer marked =
        (text, start, end, first, pieces) -> {
          String words = text.substring(start, end).replace(" ", mark);
          boolean prepends = prepend == Prepend.ALWAYS || (prepend == Prepend.FIRST && first);
          if (prepends && !words.startsWith(mark)) {
            words = mark + words;
          }
          if (!words.isEmpty()) {
            pieces.accept(words, 0, words.length(), first);
          }
        };
    return split
        ? marked.then(
            new DelimiterSplit(
                Pattern.compile(mark, Pattern.LITERAL),
                DelimiterSplit.Behavior.MERGED_WITH_NEXT,
                false))
        : marked;
  }
}
