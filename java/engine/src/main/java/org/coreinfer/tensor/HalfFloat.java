package org.coreinfer.tensor;

/**
 * IEEE 754 binary16 (F16). Narrowing rounds to the nearest value, ties to even, and keeps
 * infinities, signed zeros and the fact of being NaN.
 */
public final class HalfFloat {
  private static final int INFINITY = 0x7f800000; // of a float, as are the bit patterns below
  private static final int OVERFLOW = 0x47800000; // 2^16
  private static final int SMALLEST_NORMAL = 0x38800000; // 2^-14
  private static final int EXPONENT_BIAS_DIFFERENCE = (127 - 15) << 23;

  private HalfFloat() {}

  public static float toFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half & 0x7c00;
    int mantissa = half & 0x3ff;
    if (exponent == 0) {
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    if (exponent == 0x7c00) {
      return Float.intBitsToFloat(sign | INFINITY | (mantissa << 13));
    }
    return Float.intBitsToFloat(sign | (((exponent | mantissa) << 13) + EXPONENT_BIAS_DIFFERENCE));
  }

  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > INFINITY) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= OVERFLOW) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < SMALLEST_NORMAL) {
      return (short) (sign | (int) Math.rint(Math.abs(value) * 0x1p24f));
    }
    // A carry out of the mantissa increments the exponent, up to infinity, as it should.
    int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return (short) (sign | ((rounded - EXPONENT_BIAS_DIFFERENCE) >>> 13));
  }
}
