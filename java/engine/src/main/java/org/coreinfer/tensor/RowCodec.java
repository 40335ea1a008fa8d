package org.coreinfer.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Rows of numbers as the bytes of a dtype, and back. Quantising rounds as ggml's reference does
 * (quantize_row_q8_0_ref, quantize_row_q4_0_ref): codes come from the scale before it is rounded to
 * F16.
 */
public final class RowCodec {
  private static final int GROUP = 32;

  private RowCodec() {}

  /**
   * Fills {@code row} from the next bytes of {@code source}.
   *
   * @param source little-endian; its position moves past the row
   */
  public static void decode(DType dtype, ByteBuffer source, float[] row) {
    requireLittleEndian(source);
    requireGroups(dtype, row);
    switch (dtype) {
      case F32 -> {
        for (int i = 0; i < row.length; i++) {
          row[i] = source.getFloat();
        }
      }
      case F16 -> {
        for (int i = 0; i < row.length; i++) {
          row[i] = HalfFloat.toFloat(source.getShort());
        }
      }
      case BF16 -> {
        for (int i = 0; i < row.length; i++) {
          row[i] = BrainFloat.toFloat(source.getShort());
        }
      }
      case Q8_0 -> {
        for (int start = 0; start < row.length; start += GROUP) {
          decodeGroup8(source, row, start);
        }
      }
      case Q4_0 -> {
        for (int start = 0; start < row.length; start += GROUP) {
          decodeGroup4(source, row, start);
        }
      }
      case Q8_0_SHARED, Q4_0_SHARED -> throw notByRow(dtype);
    }
  }

  /**
   * Appends {@code row} to {@code target}.
   *
   * @param target little-endian; its position moves past the row
   * @throws ArithmeticException if a quantised group holds a value that is not finite, or too large
   *     for an F16 scale
   */
  public static void encode(DType dtype, float[] row, ByteBuffer target) {
    requireLittleEndian(target);
    requireGroups(dtype, row);
    switch (dtype) {
      case F32 -> {
        for (float value : row) {
          target.putFloat(value);
        }
      }
      case F16 -> {
        for (float value : row) {
          target.putShort(HalfFloat.fromFloat(value));
        }
      }
      case BF16 -> {
        for (float value : row) {
          target.putShort(BrainFloat.fromFloat(value));
        }
      }
      case Q8_0 -> {
        for (int start = 0; start < row.length; start += GROUP) {
          encodeGroup8(row, start, target);
        }
      }
      case Q4_0 -> {
        for (int start = 0; start < row.length; start += GROUP) {
          encodeGroup4(row, start, target);
        }
      }
      case Q8_0_SHARED, Q4_0_SHARED -> throw notByRow(dtype);
    }
  }

  private static void decodeGroup8(ByteBuffer source, float[] row, int start) {
    float scale = HalfFloat.toFloat(source.getShort());
    for (int i = 0; i < GROUP; i++) {
      row[start + i] = scale * source.get();
    }
  }

  private static void decodeGroup4(ByteBuffer source, float[] row, int start) {
    float scale = HalfFloat.toFloat(source.getShort());
    for (int i = 0; i < GROUP / 2; i++) {
      int codes = source.get();
      row[start + i] = scale * ((codes & 15) - 8);
      row[start + i + GROUP / 2] = scale * (((codes >> 4) & 15) - 8);
    }
  }

  private static void encodeGroup8(float[] row, int start, ByteBuffer target) {
    float scale = Math.abs(largest(row, start)) / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    putScale(scale, target);
    for (int i = start; i < start + GROUP; i++) {
      target.put((byte) clamp(roundHalfAway(row[i] * inverse), -127, 127));
    }
  }

  private static void encodeGroup4(float[] row, int start, ByteBuffer target) {
    float scale = largest(row, start) / -8;
    float inverse = scale == 0 ? 0 : 1 / scale;
    putScale(scale, target);
    for (int i = start; i < start + GROUP / 2; i++) {
      int low = clamp((int) (row[i] * inverse + 8.5f), 0, 15);
      int high = clamp((int) (row[i + GROUP / 2] * inverse + 8.5f), 0, 15);
      target.put((byte) (low | (high << 4)));
    }
  }

  /** The signed value of largest magnitude in a group, the first one if there are several. */
  private static float largest(float[] row, int start) {
    float largest = 0;
    for (int i = start; i < start + GROUP; i++) {
      if (!Float.isFinite(row[i])) {
        throw new ArithmeticException("element " + i + " is " + row[i] + ", which has no code");
      }
      if (Math.abs(row[i]) > Math.abs(largest)) {
        largest = row[i];
      }
    }
    return largest;
  }

  private static void putScale(float scale, ByteBuffer target) {
    short half = HalfFloat.fromFloat(scale);
    if (!Float.isFinite(HalfFloat.toFloat(half))) {
      throw new ArithmeticException("the scale " + scale + " of a group exceeds the F16 range");
    }
    target.putShort(half);
  }

  private static int roundHalfAway(float value) {
    return (int) (value + Math.copySign(0.5, value)); // in double, where the sum is exact
  }

  // A scale below the float range has an infinite inverse, so codes can exceed their range; its F16
  // is 0.
  private static int clamp(int code, int least, int most) {
    return Math.max(least, Math.min(most, code));
  }

  private static void requireLittleEndian(ByteBuffer buffer) {
    if (buffer.order() != ByteOrder.LITTLE_ENDIAN) {
      throw new IllegalArgumentException("expected a little-endian buffer");
    }
  }

  private static void requireGroups(DType dtype, float[] row) {
    if (row.length % dtype.groupSize() != 0) {
      throw new IllegalArgumentException(
          "a row of "
              + row.length
              + " "
              + dtype
              + " elements: expected a multiple of "
              + dtype.groupSize());
    }
  }

  private static IllegalArgumentException notByRow(DType dtype) {
    return new IllegalArgumentException(dtype + " is not stored row by row");
  }
}
