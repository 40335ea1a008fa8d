package org.coreinfer.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Rows of numbers as the bytes of a dtype, and back. */
public final class RowCodec {
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
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 -> {
        Groups groups = new Groups();
        for (int start = 0; start < row.length; start += dtype.groupSize()) {
          groups.decode(dtype, source, row, start);
        }
      }
      case Q4_K, Q5_K, Q6_K -> {
        SuperGroups groups = new SuperGroups();
        for (int start = 0; start < row.length; start += dtype.groupSize()) {
          groups.decode(dtype, source, row, start);
        }
      }
      default -> throw notByRow(dtype);
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
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 -> {
        Groups groups = new Groups();
        for (int start = 0; start < row.length; start += dtype.groupSize()) {
          groups.encode(dtype, row, start, target);
        }
      }
      case Q4_K, Q5_K, Q6_K -> {
        SuperGroups groups = new SuperGroups();
        for (int start = 0; start < row.length; start += dtype.groupSize()) {
          groups.encode(dtype, row, start, target);
        }
      }
      default -> throw notByRow(dtype);
    }
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
