package org.coreinfer.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.grammar.Expression.Bytes;
import org.coreinfer.grammar.Expression.Choice;

/** A set of Unicode characters, without surrogates. Immutable. */
final class CodePoints {
  static final CodePoints NONE = new CodePoints(new int[0]);
  static final CodePoints ALL =
      new CodePoints(new int[] {0, Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1, 0x110000});

  private static final int[] LIMITS = {0x80, 0x800, 0x10000, 0x110000}; // by bytes of UTF-8

  private final int[] bounds; // first of a range, first after it, and so on, rising

  private CodePoints(int[] bounds) {
    this.bounds = bounds;
  }

  /** From {@code first} to {@code last}. */
  static CodePoints of(int first, int last) {
    return ALL.and(new CodePoints(new int[] {first, last + 1}));
  }

  static CodePoints of(String characters) {
    CodePoints set = NONE;
    for (int point : characters.codePoints().toArray()) {
      set = set.or(of(point, point));
    }
    return set;
  }

  CodePoints or(CodePoints other) {
    return merge(other, 1);
  }

  CodePoints and(CodePoints other) {
    return merge(other, 2);
  }

  /** All but these. */
  CodePoints not() {
    int[] with = new int[bounds.length + 2];
    System.arraycopy(bounds, 0, with, 1, bounds.length);
    with[bounds.length + 1] = 0x110000;
    return ALL.and(new CodePoints(with));
  }

  CodePoints without(int first, int last) {
    return and(of(first, last).not());
  }

  /** The points that are in at least so many of both. */
  private CodePoints merge(CodePoints other, int least) {
    int[] all = Arrays.copyOf(bounds, bounds.length + other.bounds.length);
    System.arraycopy(other.bounds, 0, all, bounds.length, other.bounds.length);
    int[] cuts = Arrays.stream(all).sorted().distinct().toArray();
    int[] result = new int[cuts.length];
    int size = 0;
    boolean isIn = false;
    for (int cut : cuts) {
      int count = (contains(cut) ? 1 : 0) + (other.contains(cut) ? 1 : 0);
      if (count >= least != isIn) {
        isIn = !isIn;
        result[size++] = cut;
      }
    }
    return new CodePoints(Arrays.copyOf(result, size));
  }

  boolean contains(int point) {
    int at = Arrays.binarySearch(bounds, point);
    return (at >= 0 ? at : -at - 2) % 2 == 0;
  }

  /** The one character of the set, or -1. */
  int only() {
    return bounds.length == 2 && bounds[0] + 1 == bounds[1] ? bounds[0] : -1;
  }

  boolean isEmpty() {
    return bounds.length == 0;
  }

  /** The UTF-8 of one of them. */
  Expression utf8() {
    List<Expression> options = new ArrayList<>();
    for (int i = 0; i < bounds.length; i += 2) {
      int first = bounds[i];
      for (int bytes = 1; bytes <= LIMITS.length; bytes++) {
        int last = Math.min(bounds[i + 1], LIMITS[bytes - 1]) - 1;
        if (first <= last) {
          addRange(first, last, bytes, options);
          first = last + 1;
        }
      }
    }
    return new Choice(mergedSingles(options));
  }

  /** Joins the options of one byte. */
  private static List<Expression> mergedSingles(List<Expression> options) {
    List<Expression> merged = new ArrayList<>();
    ByteSet singles = ByteSet.NONE;
    for (Expression option : options) {
      if (option instanceof Bytes bytes) {
        singles = singles.or(bytes.set());
      } else {
        merged.add(option);
      }
    }
    if (!singles.isEmpty()) {
      merged.add(0, new Bytes(singles));
    }
    return merged;
  }

  private static void addRange(int first, int last, int bytes, List<Expression> options) {
    if (bytes == 1) {
      options.add(new Bytes(ByteSet.of(first, last)));
      return;
    }
    // Cut where the last bytes would not run over all of their values.
    for (int i = 1; i < bytes; i++) {
      int low = (1 << (6 * i)) - 1;
      if ((first & ~low) != (last & ~low)) {
        if ((first & low) != 0) {
          addRange(first, first | low, bytes, options);
          addRange((first | low) + 1, last, bytes, options);
          return;
        }
        if ((last & low) != low) {
          addRange(first, (last & ~low) - 1, bytes, options);
          addRange(last & ~low, last, bytes, options);
          return;
        }
      }
    }
    Expression[] parts = new Expression[bytes];
    for (int i = 0; i < bytes; i++) {
      int shift = 6 * (bytes - 1 - i);
      int lead = i == 0 ? 0xf00 >> bytes & 0xff : 0x80;
      int mask = i == 0 ? 0x7f >> bytes : 0x3f;
      parts[i] =
          new Bytes(ByteSet.of(lead | (first >> shift & mask), lead | (last >> shift & mask)));
    }
    options.add(Expression.sequence(parts));
  }
}
