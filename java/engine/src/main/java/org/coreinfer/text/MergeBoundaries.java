package org.coreinfer.text;

import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * Cuts text where no merge can reach across: between two characters that stand side by side in no
 * piece that a merge makes. The ids are those of the whole text, since merges on the two sides
 * never meet. A model without a pre-tokenizer gets its short words so.
 */
final class MergeBoundaries {
  private static final int ASCII = 128;

  /** Pairs of ASCII characters with a piece that has them side by side. */
  private final BitSet asciiPairs = new BitSet(ASCII * ASCII);

  private final Set<Integer> pairs = new HashSet<>();

  /** Adds the result of a merge. */
  void addPiece(String piece) {
    for (int i = 1; i < piece.length(); i++) {
      char left = piece.charAt(i - 1);
      char right = piece.charAt(i);
      if (left < ASCII && right < ASCII) {
        asciiPairs.set(left * ASCII + right);
      } else {
        pairs.add((left << 16) | right);
      }
    }
  }

  /**
   * The cuts as a pattern.
   *
   * @param isSymbol whether a character is a vocabulary entry by itself; text is cut only before
   *     those, because unknown ones may fuse with what stands before them
   */
  SplitPattern pattern(IntPredicate isSymbol) {
    return (text, start, end) -> {
      int i = start + 1;
      while (i < end
          && (meet(text.charAt(i - 1), text.charAt(i)) || !isSymbol.test(text.charAt(i)))) {
        i++;
      }
      return i;
    };
  }

  /** Whether a piece has these characters side by side; the halves of a surrogate pair count so. */
  private boolean meet(char left, char right) {
    return (left < ASCII && right < ASCII)
        ? asciiPairs.get(left * ASCII + right)
        : Character.isSurrogate(right) || pairs.contains((left << 16) | right);
  }
}
