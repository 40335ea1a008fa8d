package org.coreinfer.tensor;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Groups of 256 numbers whose parts of 32 or 16 have integer scales of their own, as bytes and
 * back: Q4_K, Q5_K, Q6_K. Each part is fitted by {@link ScaleFit}; what rounding the parts' scales
 * costs is won back by trying their neighbours. For one thread.
 */
final class SuperGroups {
  private static final int SIZE = 256;
  private static final int PARTS = 8; // of Q4_K and Q5_K
  private static final int PART = SIZE / PARTS;
  private static final int SMALL_PARTS = 16; // of Q6_K
  private static final int SMALL_PART = SIZE / SMALL_PARTS;
  private static final int MOST_FACTOR = 63;

  private final ScaleFit fit = new ScaleFit();
  private final double[] scales = new double[SMALL_PARTS];
  private final double[] mins = new double[PARTS];
  private final int[] factors = new int[SMALL_PARTS];
  private final int[] minFactors = new int[PARTS];
  private final int[] codes = new int[SIZE];
  private final byte[] packed = new byte[12];

  void decode(DType dtype, ByteBuffer source, float[] row, int start) {
    if (dtype == DType.Q6_K) {
      decode6(source, row, start);
    } else {
      decodeWithMins(source, dtype == DType.Q5_K, row, start);
    }
  }

  private void decodeWithMins(ByteBuffer source, boolean hasFifths, float[] row, int start) {
    float scale = HalfFloat.toFloat(source.getShort());
    float min = HalfFloat.toFloat(source.getShort());
    source.get(packed);
    int fifths = source.position();
    int nibbles = fifths + (hasFifths ? PART : 0);
    for (int part = 0; part < PARTS; part++) {
      float partScale = scale * factor(part, 0);
      float partMin = min * factor(part, 4);
      for (int i = 0; i < PART; i++) {
        int pair = source.get(nibbles + part / 2 * PART + i);
        int code = part % 2 == 0 ? pair & 15 : (pair >> 4) & 15;
        if (hasFifths) {
          code += 16 * ((source.get(fifths + i) >> part) & 1);
        }
        row[start + part * PART + i] = partScale * code - partMin;
      }
    }
    source.position(nibbles + SIZE / 2);
  }

  /**
   * Six bits of {@link #packed}.
   *
   * @param kind 0 for a part's scale, 4 for its min
   */
  private int factor(int part, int kind) {
    if (part < 4) {
      return packed[part + kind] & MOST_FACTOR;
    }
    int low = kind == 0 ? packed[part + 4] & 15 : (packed[part + 4] >> 4) & 15;
    return low | (((packed[part - 4 + kind] >> 6) & 3) << 4);
  }

  private static void decode6(ByteBuffer source, float[] row, int start) {
    int begin = source.position();
    float scale = HalfFloat.toFloat(source.getShort(begin + 208));
    for (int i = 0; i < SIZE; i++) {
      int half = i / 128;
      int inHalf = i % 128;
      int pair = source.get(begin + 64 * half + inHalf % 64);
      int low = inHalf < 64 ? pair & 15 : (pair >> 4) & 15;
      int top = (source.get(begin + 128 + 32 * half + inHalf % 32) >> (inHalf / 32 * 2)) & 3;
      float partScale = scale * source.get(begin + 192 + i / SMALL_PART);
      row[start + i] = partScale * (low + 16 * top - 32);
    }
    source.position(begin + 210);
  }

  /**
   * Appends a group.
   *
   * @throws ArithmeticException if a value is not finite, or too large for an F16 scale
   */
  void encode(DType dtype, float[] row, int start, ByteBuffer target) {
    Groups.requireFinite(row, start, SIZE);
    switch (dtype) {
      case Q4_K -> encodeWithMins(row, start, 15, target);
      case Q5_K -> encodeWithMins(row, start, 31, target);
      case Q6_K -> encode6(row, start, target);
      default -> throw new IllegalArgumentException(dtype + " has no groups of 256");
    }
  }

  private void encodeWithMins(float[] row, int start, int most, ByteBuffer target) {
    double largestScale = 0;
    double largestMin = 0;
    for (int part = 0; part < PARTS; part++) {
      fit.fitWithOffset(row, start + part * PART, PART, most, false);
      scales[part] = fit.scale();
      mins[part] = -fit.offset();
      largestScale = Math.max(largestScale, scales[part]);
      largestMin = Math.max(largestMin, mins[part]);
    }
    float scale = Groups.putHalf((float) (largestScale / MOST_FACTOR), target);
    float min = Groups.putHalf((float) (largestMin / MOST_FACTOR), target);
    for (int part = 0; part < PARTS; part++) {
      chooseFactors(row, start + part * PART, part, most, scale, min);
      float partScale = scale * factors[part];
      float inverse = ScaleFit.inverse(partScale);
      float offset = -(min * minFactors[part]);
      for (int i = part * PART; i < (part + 1) * PART; i++) {
        codes[i] = ScaleFit.code(row[start + i], inverse, offset, 0, most);
      }
    }
    putFactors(target);
    if (most > 15) {
      for (int i = 0; i < PART; i++) {
        int fifths = 0;
        for (int part = 0; part < PARTS; part++) {
          fifths |= (codes[part * PART + i] >> 4) << part;
        }
        target.put((byte) fifths);
      }
    }
    putNibbles(target, PART);
  }

  /** The integers near a part's fitted scale and min that store it best. */
  private void chooseFactors(float[] row, int start, int part, int most, float scale, float min) {
    fit.weigh(row, start, PART);
    int nearScale = nearest(scales[part], scale, 0, MOST_FACTOR);
    int nearMin = nearest(mins[part], min, 0, MOST_FACTOR);
    double least = Double.POSITIVE_INFINITY;
    for (int s = Math.max(0, nearScale - 1); s <= Math.min(MOST_FACTOR, nearScale + 1); s++) {
      for (int m = Math.max(0, nearMin - 1); m <= Math.min(MOST_FACTOR, nearMin + 1); m++) {
        double error = fit.errorOf(row, start, PART, scale * s, -(min * m), 0, most);
        if (error < least) {
          least = error;
          factors[part] = s;
          minFactors[part] = m;
        }
      }
    }
  }

  private void putFactors(ByteBuffer target) {
    Arrays.fill(packed, (byte) 0);
    for (int part = 0; part < 4; part++) {
      packed[part] = (byte) (factors[part] | ((factors[part + 4] >> 4) << 6));
      packed[part + 4] = (byte) (minFactors[part] | ((minFactors[part + 4] >> 4) << 6));
      packed[part + 8] = (byte) ((factors[part + 4] & 15) | (minFactors[part + 4] << 4));
    }
    target.put(packed);
  }

  /** Low nibbles of so many codes beside those of as many that follow, and so on. */
  private void putNibbles(ByteBuffer target, int distance) {
    for (int first = 0; first < SIZE; first += 2 * distance) {
      for (int i = first; i < first + distance; i++) {
        target.put((byte) ((codes[i] & 15) | (codes[i + distance] << 4)));
      }
    }
  }

  private void encode6(float[] row, int start, ByteBuffer target) {
    double largest = 0;
    for (int part = 0; part < SMALL_PARTS; part++) {
      fit.fit(row, start + part * SMALL_PART, SMALL_PART, 32);
      scales[part] = fit.scale();
      largest = Math.abs(scales[part]) > Math.abs(largest) ? scales[part] : largest;
    }
    ByteBuffer half = ByteBuffer.allocate(Short.BYTES).order(target.order());
    float scale = Groups.putHalf((float) (largest / -128), half);
    for (int part = 0; part < SMALL_PARTS; part++) {
      int begin = start + part * SMALL_PART;
      factors[part] = chooseFactor(row, begin, scales[part], scale);
      float inverse = ScaleFit.inverse(scale * factors[part]);
      for (int i = 0; i < SMALL_PART; i++) {
        codes[part * SMALL_PART + i] = ScaleFit.code(row[begin + i], inverse, 0, -32, 31) + 32;
      }
    }
    putNibbles(target, 64);
    for (int first = 0; first < SIZE; first += 128) {
      for (int i = first; i < first + 32; i++) {
        int tops = 0;
        for (int part = 0; part < 4; part++) {
          tops |= (codes[i + 32 * part] >> 4) << (2 * part);
        }
        target.put((byte) tops);
      }
    }
    for (int factor : factors) {
      target.put((byte) factor);
    }
    target.put(half.flip());
  }

  private int chooseFactor(float[] row, int start, double fitted, float scale) {
    fit.weigh(row, start, SMALL_PART);
    int near = nearest(fitted, scale, -128, 127);
    int chosen = near;
    double least = Double.POSITIVE_INFINITY;
    for (int s = Math.max(-128, near - 1); s <= Math.min(127, near + 1); s++) {
      double error = fit.errorOf(row, start, SMALL_PART, scale * s, 0, -32, 31);
      if (error < least) {
        least = error;
        chosen = s;
      }
    }
    return chosen;
  }

  private static int nearest(double value, float unit, int least, int most) {
    return unit == 0 ? 0 : (int) Math.max(least, Math.min(most, Math.rint(value / unit)));
  }
}
