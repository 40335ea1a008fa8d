package org.coreinfer.sampling;

import java.util.Arrays;

/**
 * Tokens by falling logit, of equal ones the lower first, sorted only as far as somebody looks. One
 * object serves any number of logits, one after another.
 */
final class RankedTokens {
  /** Tokens with a weight of e to this power or less are never drawn at double precision. */
  static final double LEAST_EXPONENT = -700;

  private static final int FIRST_SORTED = 256;
  private static final int GROWTH = 4;
  private static final int SHORT = 64; // sorted instead of parted

  private long[] keys = {}; // rise as logits fall
  private int size;
  private int sorted; // the first so many are in order, and before all others

  /**
   * Takes the tokens that can be drawn.
   *
   * @param logits (vocabulary); NaN for tokens that can't
   * @param highest logit
   * @param scale of exponents
   */
  void take(float[] logits, double highest, double scale) {
    if (keys.length < logits.length) {
      keys = new long[logits.length];
    }
    size = 0;
    sorted = 0;
    for (int i = 0; i < logits.length; i++) {
      if ((logits[i] - highest) * scale > LEAST_EXPONENT) {
        keys[size++] = ((long) ~ascending(logits[i]) << 32) | i;
      }
    }
  }

  /** Takes one token alone. */
  void takeOnly(int token) {
    if (keys.length == 0) {
      keys = new long[1];
    }
    keys[0] = token;
    size = 1;
    sorted = 1;
  }

  /** An int that orders as the float does. */
  private static int ascending(float value) {
    int bits = Float.floatToIntBits(value);
    return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
  }

  int size() {
    return size;
  }

  /** The token at a rank, 0 for the most likely one. */
  int token(int rank) {
    if (rank >= sorted) {
      sort(Math.max(rank + 1, Math.min(size, Math.max(FIRST_SORTED, GROWTH * sorted))));
    }
    return (int) keys[rank];
  }

  /** Puts the first {@code count} in order. */
  void sort(int count) {
    if (count > sorted) {
      part(sorted, size, count);
      Arrays.sort(keys, sorted, count);
      sorted = count;
    }
  }

  /** Moves the lowest keys of a range before its others, so that they end at {@code middle}. */
  private void part(int from, int to, int middle) {
    int low = from;
    int high = to - 1;
    while (high - low >= SHORT && low < middle && middle <= high) {
      long pivot = median(keys[low], keys[(low + high) >>> 1], keys[high]);
      int i = low;
      int j = high;
      while (i <= j) {
        while (keys[i] < pivot) {
          i++;
        }
        while (keys[j] > pivot) {
          j--;
        }
        if (i <= j) {
          long key = keys[i];
          keys[i++] = keys[j];
          keys[j--] = key;
        }
      }
      if (middle <= j) {
        high = j;
      } else if (middle > i) {
        low = i;
      } else {
        return;
      }
    }
    if (low < middle && middle <= high) {
      Arrays.sort(keys, low, high + 1);
    }
  }

  private static long median(long a, long b, long c) {
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }
}
