package org.coreinfer.grammar;

/**
 * A set of byte values. Immutable.
 *
 * @param a bits of 0 to 63, the lowest first; {@code b}, {@code c} and {@code d} follow
 */
record ByteSet(long a, long b, long c, long d) {
  static final ByteSet NONE = new ByteSet(0, 0, 0, 0);
  static final ByteSet ALL = new ByteSet(-1, -1, -1, -1);

  /** All from {@code first} to {@code last}. */
  static ByteSet of(int first, int last) {
    ByteSet set = NONE;
    for (int value = first; value <= last; value++) {
      set = set.with(value);
    }
    return set;
  }

  /** The bytes of ASCII characters. */
  static ByteSet of(String characters) {
    ByteSet set = NONE;
    for (int i = 0; i < characters.length(); i++) {
      set = set.with(characters.charAt(i));
    }
    return set;
  }

  ByteSet with(int value) {
    long bit = 1L << value;
    return switch (value >> 6) {
      case 0 -> new ByteSet(a | bit, b, c, d);
      case 1 -> new ByteSet(a, b | bit, c, d);
      case 2 -> new ByteSet(a, b, c | bit, d);
      case 3 -> new ByteSet(a, b, c, d | bit);
      default -> throw new IllegalArgumentException("byte=" + value + ": expected 0 to 255");
    };
  }

  ByteSet and(ByteSet other) {
    return new ByteSet(a & other.a, b & other.b, c & other.c, d & other.d);
  }

  ByteSet or(ByteSet other) {
    return new ByteSet(a | other.a, b | other.b, c | other.c, d | other.d);
  }

  boolean contains(int value) {
    long bits = value < 128 ? (value < 64 ? a : b) : (value < 192 ? c : d);
    return (bits >>> value & 1) != 0;
  }

  boolean isEmpty() {
    return (a | b | c | d) == 0;
  }
}
