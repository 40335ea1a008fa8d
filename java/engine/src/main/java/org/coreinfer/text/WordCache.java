package org.coreinfer.text;

import org.jspecify.annotations.Nullable;

/**
 * The ids of words seen lately. Each word has one place, and a later word of that place takes it,
 * which bounds the size. Entries are immutable, so threads need no lock: a lost write costs one
 * recomputation.
 */
final class WordCache {
  /** Longer words are rarely seen twice. */
  static final int LONGEST_WORD = 32;

  private static final int PLACES = 1 << 16;

  private static final class Word {
    private final String text;
    private final int[] ids;

    Word(String text, int[] ids) {
      this.text = text;
      this.ids = ids;
    }
  }

  private final @Nullable Word[] words = new @Nullable Word[PLACES];

  /** The ids of {@code text[start, end)}, not to be changed, or null. */
  int @Nullable [] find(String text, int start, int end, int place) {
    Word word = words[place];
    return word != null && word.text.length() == end - start && text.startsWith(word.text, start)
        ? word.ids
        : null;
  }

  void put(String word, int place, int[] ids) {
    words[place] = new Word(word, ids);
  }

  static int place(String text, int start, int end) {
    int hash = 0;
    for (int i = start; i < end; i++) {
      hash = 31 * hash + text.charAt(i);
    }
    return ((hash * 0x9e3779b9) >>> 16) & (PLACES - 1);
  }
}
