package org.coreinfer.tensor;

import java.nio.ByteBuffer;

/**
 * Groups of 32 numbers as bytes, and back: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1. The first two are
 * quantised as ggml's reference does it (quantize_row_q8_0_ref, quantize_row_q4_0_ref), codes from
 * the scale before it is rounded to F16; the others by {@link ScaleFit}, codes from the scale that
 * is stored. For one thread.
 */
final class Groups {
  private static final int SIZE = 32;
  private static final int HALF = SIZE / 2;

  private final ScaleFit fit = new ScaleFit();
  private final int[] codes = new int[SIZE];

  void decode(DType dtype, ByteBuffer source, float[] row, int start) {
    float scale = HalfFloat.toFloat(source.getShort());
    switch (dtype) {
      case Q8_0 -> {
        for (int i = 0; i < SIZE; i++) {
          row[start + i] = scale * source.get();
        }
      }
      case Q4_0 -> decodeCodes(source, 0, row, start, scale, 8, 0);
      case Q4_1 -> {
        float offset = HalfFloat.toFloat(source.getShort());
        decodeCodes(source, 0, row, start, scale, 0, offset);
      }
      case Q5_0 -> decodeCodes(source, source.getInt(), row, start, scale, 16, 0);
      case Q5_1 -> {
        float offset = HalfFloat.toFloat(source.getShort());
        decodeCodes(source, source.getInt(), row, start, scale, 0, offset);
      }
      default -> throw new IllegalArgumentException(dtype + " has no groups of 32");
    }
  }

  /**
   * Reads codes from nibbles.
   *
   * @param fifths a bit of each element's code, worth 16
   * @param middle the code of 0; an offset is added where it is 0
   */
  private static void decodeCodes(
      ByteBuffer source,
      int fifths,
      float[] row,
      int start,
      float scale,
      int middle,
      float offset) {
    for (int i = 0; i < HALF; i++) {
      int pair = source.get();
      int low = (pair & 15) + 16 * ((fifths >>> i) & 1);
      int high = ((pair >> 4) & 15) + 16 * ((fifths >>> (i + HALF)) & 1);
      row[start + i] = middle == 0 ? scale * low + offset : scale * (low - middle);
      row[start + i + HALF] = middle == 0 ? scale * high + offset : scale * (high - middle);
    }
  }

  /**
   * Appends a group.
   *
   * @throws ArithmeticException if a value is not finite, or too large for an F16 scale
   */
  void encode(DType dtype, float[] row, int start, ByteBuffer target) {
    switch (dtype) {
      case Q8_0 -> encode8(row, start, target);
      case Q4_0 -> encode4(row, start, target);
      case Q4_1 -> encodeWithOffset(row, start, 15, target);
      case Q5_0 -> encode5(row, start, target);
      case Q5_1 -> encodeWithOffset(row, start, 31, target);
      default -> throw new IllegalArgumentException(dtype + " has no groups of 32");
    }
  }

  private static void encode8(float[] row, int start, ByteBuffer target) {
    float scale = Math.abs(largest(row, start)) / 127;
    float inverse = ScaleFit.inverse(scale);
    putHalf(scale, target);
    for (int i = start; i < start + SIZE; i++) {
      target.put((byte) clamp(roundHalfAway(row[i] * inverse), -127, 127));
    }
  }

  private void encode4(float[] row, int start, ByteBuffer target) {
    float scale = largest(row, start) / -8;
    float inverse = ScaleFit.inverse(scale);
    putHalf(scale, target);
    for (int i = 0; i < SIZE; i++) {
      codes[i] = clamp((int) (row[start + i] * inverse + 8.5f), 0, 15);
    }
    putNibbles(target);
  }

  private void encode5(float[] row, int start, ByteBuffer target) {
    requireFinite(row, start, SIZE);
    fit.fit(row, start, SIZE, 16);
    float scale = putHalf((float) fit.scale(), target);
    float inverse = ScaleFit.inverse(scale);
    for (int i = 0; i < SIZE; i++) {
      codes[i] = ScaleFit.code(row[start + i], inverse, 0, -16, 15) + 16;
    }
    putFifths(target);
    putNibbles(target);
  }

  private void encodeWithOffset(float[] row, int start, int most, ByteBuffer target) {
    requireFinite(row, start, SIZE);
    fit.fitWithOffset(row, start, SIZE, most, true);
    float scale = putHalf((float) fit.scale(), target);
    float offset = putHalf((float) fit.offset(), target);
    float inverse = ScaleFit.inverse(scale);
    for (int i = 0; i < SIZE; i++) {
      codes[i] = ScaleFit.code(row[start + i], inverse, offset, 0, most);
    }
    if (most > 15) {
      putFifths(target);
    }
    putNibbles(target);
  }

  private void putFifths(ByteBuffer target) {
    int fifths = 0;
    for (int i = 0; i < SIZE; i++) {
      fifths |= (codes[i] >> 4) << i;
    }
    target.putInt(fifths);
  }

  private void putNibbles(ByteBuffer target) {
    for (int i = 0; i < HALF; i++) {
      target.put((byte) ((codes[i] & 15) | (codes[i + HALF] << 4)));
    }
  }

  /** The signed value of largest magnitude in a group, the first one if there are several. */
  private static float largest(float[] row, int start) {
    requireFinite(row, start, SIZE);
    float largest = 0;
    for (int i = start; i < start + SIZE; i++) {
      if (Math.abs(row[i]) > Math.abs(largest)) {
        largest = row[i];
      }
    }
    return largest;
  }

  /**
   * Refuses what no scale can bring to a code.
   *
   * @throws ArithmeticException if a value is NaN or infinite
   */
  static void requireFinite(float[] row, int start, int size) {
    for (int i = start; i < start + size; i++) {
      if (!Float.isFinite(row[i])) {
        throw new ArithmeticException("element " + i + " is " + row[i] + ", which has no code");
      }
    }
  }

  /** Appends a scale as F16 and returns the value that was stored. */
  static float putHalf(float scale, ByteBuffer target) {
    short half = HalfFloat.fromFloat(scale);
    float stored = HalfFloat.toFloat(half);
    if (!Float.isFinite(stored)) {
      throw new ArithmeticException("the scale " + scale + " of a group exceeds the F16 range");
    }
    target.putShort(half);
    return stored;
  }

  private static int roundHalfAway(float value) {
    return (int) (value + Math.copySign(0.5, value)); // in double, where the sum is exact
  }

  // A scale below the float range has an infinite inverse, so codes can exceed their range; its F16
  // is 0.
  private static int clamp(int code, int least, int most) {
    return Math.max(least, Math.min(most, code));
  }
}
