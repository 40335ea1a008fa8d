package org.coreinfer.text;

import java.util.function.IntPredicate;
import org.coreinfer.text.Tokenizer.WrittenTokens;

/**
 * Asks about the tokens of a normalized stretch, in its order, by where they stand in the text
 * before normalization. Where that is unknown, as a character was composed with what stands before
 * it, a token counts only if the whole stretch may spell it. For one stretch and one thread.
 */
final class NormalizedTokens implements WrittenTokens {
  /** Characters to normalize on the way: a second's work. */
  private static final long PATIENCE = 1L << 30;

  private final Normalizer normalizer;
  private final String stretch;
  private final int offset;
  private final WrittenTokens written;
  private int shift;
  private long work;

  /**
   * @param stretch the text before normalization
   * @param offset where it stands in the text that {@code written} knows
   */
  NormalizedTokens(Normalizer normalizer, String stretch, int offset, WrittenTokens written) {
    this.normalizer = normalizer;
    this.stretch = stretch;
    this.offset = offset;
    this.written = written;
  }

  @Override
  public boolean count(String token, boolean isSpecial, int start, int end) {
    int from = last(start - shift, i -> normalized(i).length() <= start);
    int to = 1 + last(end - shift - 1, i -> normalized(i).length() < end);
    String whole = normalized(stretch.length());
    boolean isLocal =
        to <= stretch.length()
            && whole.startsWith(normalized(from))
            && whole.startsWith(normalized(to));
    shift = end - to;
    return isLocal
        ? written.count(token, isSpecial, offset + from, offset + to)
        : written.count(token, isSpecial, offset, offset + stretch.length());
  }

  private String normalized(int length) {
    work += length;
    if (work > PATIENCE) {
      throw new IllegalArgumentException("the text spells too many special tokens: shorten it");
    }
    return normalizer.normalize(stretch.substring(0, length));
  }

  /**
   * The last length of a beginning that {@code holds} for, which holds for all shorter ones.
   *
   * @param guess what it most likely is
   */
  private int last(int guess, IntPredicate holds) {
    int low = 0;
    int high = stretch.length();
    if (guess >= low && guess < high && holds.test(guess) && !holds.test(guess + 1)) {
      return guess;
    }
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (holds.test(middle)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
}
