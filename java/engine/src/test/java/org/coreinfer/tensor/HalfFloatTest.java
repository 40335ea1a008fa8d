package org.coreinfer.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

class HalfFloatTest {
  @Test
  void widensEveryFloat16() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float value = HalfFloat.toFloat((short) bits);
      double expected = reference(bits, 5, 10);
      assertEquals(expected, value, 0.0, "bits " + Integer.toHexString(bits));
      assertEquals(Double.compare(expected, 0.0), Double.compare(value, 0.0), "sign of zero");
    }
  }

  @Test
  void widensEveryBfloat16() {
    for (int bits = 0; bits < 0x10000; bits++) {
      assertEquals(reference(bits, 8, 7), BrainFloat.toFloat((short) bits), 0.0);
    }
  }

  @Test
  void narrowsEveryRepresentableValueToItself() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float float16 = HalfFloat.toFloat((short) bits);
      if (!Float.isNaN(float16)) {
        assertEquals((short) bits, HalfFloat.fromFloat(float16));
      }
      float bfloat16 = BrainFloat.toFloat((short) bits);
      if (!Float.isNaN(bfloat16)) {
        assertEquals((short) bits, BrainFloat.fromFloat(bfloat16));
      }
    }
  }

  @Test
  void roundsToTheNearestWithTiesToEven() {
    NavigableMap<Double, Integer> float16 = finiteValues(0x7c00, bits -> reference(bits, 5, 10));
    NavigableMap<Double, Integer> bfloat16 = finiteValues(0x7f80, bits -> reference(bits, 8, 7));
    Random random = new Random(1);
    for (int i = 0; i < 200_000; i++) {
      float inRange = (float) Math.scalb(random.nextDouble() + 1, random.nextInt(42) - 27);
      assertNearest(float16, inRange, HalfFloat.fromFloat(inRange));
      float any = Float.intBitsToFloat(random.nextInt(0x7f000000));
      assertNearest(bfloat16, any, BrainFloat.fromFloat(any));
      assertEquals(HalfFloat.fromFloat(inRange) ^ 0x8000, HalfFloat.fromFloat(-inRange) & 0xffff);
    }
  }

  @Test
  void breaksTiesTowardsTheEvenMantissa() {
    assertEquals(0x3c00, HalfFloat.fromFloat(1 + 0x1p-11f));
    assertEquals(0x3c02, HalfFloat.fromFloat(1 + 3 * 0x1p-11f));
    assertEquals(0x0000, HalfFloat.fromFloat(0x1p-25f));
    assertEquals(0x0001, HalfFloat.fromFloat(Math.nextUp(0x1p-25f)));
    assertEquals(0x3f80, BrainFloat.fromFloat(1 + 0x1p-8f));
    assertEquals(0x3f82, BrainFloat.fromFloat(1 + 3 * 0x1p-8f));
  }

  @Test
  void overflowsToInfinity() {
    assertEquals(0x7bff, HalfFloat.fromFloat(Math.nextDown(65520f)));
    assertEquals(0x7c00, HalfFloat.fromFloat(65520f));
    assertEquals(0x7c00, HalfFloat.fromFloat(Float.MAX_VALUE));
    assertEquals((short) 0xfc00, HalfFloat.fromFloat(Float.NEGATIVE_INFINITY));
    assertEquals(0x7f80, BrainFloat.fromFloat(Float.MAX_VALUE));
  }

  @Test
  void keepsNaN() {
    for (int bits : new int[] {0x7f800001, 0x7fc00000, 0xffffffff}) {
      float value = Float.intBitsToFloat(bits);
      assertTrue(Float.isNaN(HalfFloat.toFloat(HalfFloat.fromFloat(value))));
      assertTrue(Float.isNaN(BrainFloat.toFloat(BrainFloat.fromFloat(value))));
    }
  }

  private static void assertNearest(NavigableMap<Double, Integer> values, double value, int found) {
    Map.Entry<Double, Integer> below = Objects.requireNonNull(values.floorEntry(value));
    Map.Entry<Double, Integer> above = Objects.requireNonNull(values.ceilingEntry(value));
    double down = value - below.getKey();
    double up = above.getKey() - value;
    boolean isBelow = down == up ? below.getValue() % 2 == 0 : down < up;
    int expected = isBelow ? below.getValue() : above.getValue();
    assertEquals(expected, found, "narrowing " + value);
  }

  /**
   * Positive values by their bits, with the value that infinity's bits would have after the
   * largest.
   */
  private static NavigableMap<Double, Integer> finiteValues(
      int infinity, IntToDoubleFunction value) {
    NavigableMap<Double, Integer> values = new TreeMap<>();
    for (int bits = 0; bits < infinity; bits++) {
      values.put(value.applyAsDouble(bits), bits);
    }
    double largest = values.lastKey();
    values.put(2 * largest - Objects.requireNonNull(values.lowerKey(largest)), infinity);
    return values;
  }

  private static double reference(int bits, int exponentBits, int mantissaBits) {
    int bias = (1 << (exponentBits - 1)) - 1;
    int exponent = (bits >> mantissaBits) & ((1 << exponentBits) - 1);
    double fraction = (bits & ((1 << mantissaBits) - 1)) / (double) (1 << mantissaBits);
    double sign = bits >= 0x8000 ? -1 : 1;
    if (exponent == (1 << exponentBits) - 1) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return exponent == 0
        ? sign * Math.scalb(fraction, 1 - bias)
        : sign * Math.scalb(1 + fraction, exponent - bias);
  }
}
