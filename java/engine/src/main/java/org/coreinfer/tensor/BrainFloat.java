package org.coreinfer.tensor;

/**
 * The upper half of a float (BF16). Narrowing rounds to the nearest value, ties to even, and keeps
 * infinities, signed zeros and the fact of being NaN.
 */
public final class BrainFloat {
  private static final int INFINITY = 0x7f800000;
  private static final int QUIET_NAN = 0x40;

  private BrainFloat() {}

  public static float toFloat(short half) {
    return Float.intBitsToFloat(half << 16);
  }

  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > INFINITY) {
      return (short) ((bits >>> 16) | QUIET_NAN);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }
}
