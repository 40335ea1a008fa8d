package org.coreinfer.tensor;

import java.math.BigInteger;

/**
 * Elements of groups of quantised numbers, one at a time, as include/coreinfer/types.h has them.
 */
final class QuantReference {
  private QuantReference() {}

  /** Where a group's F16 numbers lie. */
  static int[] halves(DType dtype) {
    return switch (dtype) {
      case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
      case Q6_K -> new int[] {208};
      default -> new int[] {0};
    };
  }

  static float element(DType dtype, byte[] group, int i) {
    double first = half(group, halves(dtype)[0]);
    return switch (dtype) {
      case Q8_0 -> (float) (first * group[2 + i]);
      case Q4_0 -> (float) (first * (nibble(group, 2, 16, i) - 8));
      case Q4_1 -> (float) (first * nibble(group, 4, 16, i) + half(group, 2));
      case Q5_0 -> (float) (first * (nibble(group, 6, 16, i) + 16 * bits(group, 16 + i, 1) - 16));
      case Q5_1 ->
          (float)
              (first * (nibble(group, 8, 16, i) + 16 * bits(group, 32 + i, 1)) + half(group, 2));
      case Q4_K -> withMin(group, i, nibble(group, 16, 32, i));
      case Q5_K ->
          withMin(
              group, i, nibble(group, 48, 32, i) + 16 * bits(group, 8 * (16 + i % 32) + i / 32, 1));
      case Q6_K -> {
        int code = nibble(group, 0, 64, i);
        code += 16 * bits(group, 8 * (128 + i / 128 * 32 + i % 32) + i % 128 / 32 * 2, 2);
        yield (float) (first * group[192 + i / 16] * (code - 32));
      }
      default -> throw new IllegalArgumentException(dtype.toString());
    };
  }

  private static float withMin(byte[] group, int i, int code) {
    int part = i / 32;
    int scale;
    int min;
    if (part < 4) {
      scale = bits(group, 8 * (4 + part), 6);
      min = bits(group, 8 * (8 + part), 6);
    } else {
      scale = bits(group, 8 * (8 + part), 4) + 16 * bits(group, 8 * part + 6, 2);
      min = bits(group, 8 * (8 + part) + 4, 4) + 16 * bits(group, 8 * (4 + part) + 6, 2);
    }
    return (float) (half(group, 0) * scale * code - half(group, 2) * min);
  }

  /** The code of an element whose low nibbles come first, {@code run} at a time, then the high. */
  private static int nibble(byte[] group, int at, int run, int i) {
    int at8 = 8 * (at + i / (2 * run) * run + i % run);
    return bits(group, i / run % 2 == 0 ? at8 : at8 + 4, 4);
  }

  /** Some bits of the group, from bit {@code from} on, the lowest first. */
  private static int bits(byte[] group, int from, int count) {
    int value = Byte.toUnsignedInt(group[from / 8]);
    return BigInteger.valueOf(value)
        .shiftRight(from % 8)
        .mod(BigInteger.ONE.shiftLeft(count))
        .intValueExact();
  }

  private static double half(byte[] group, int at) {
    int bits = Byte.toUnsignedInt(group[at]) | (Byte.toUnsignedInt(group[at + 1]) << 8);
    int exponent = (bits >> 10) & 31;
    double mantissa = bits & 1023;
    double magnitude =
        exponent == 0
            ? mantissa * Math.pow(2, -24)
            : (1024 + mantissa) * Math.pow(2, exponent - 25);
    return bits >> 15 == 0 ? magnitude : -magnitude;
  }
}
