package org.coreinfer.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowCodecTest {
  private static final double TIE = 1e-3; // so close to a tie, float and double may round apart

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void decodesWhatItEncodedWithinTheFormatsError(DType dtype) {
    float[] row = randomRow(new Random(2), 416, 0.7f);
    float[] decoded = decode(dtype, encode(dtype, row), row.length);
    for (int group = 0; group < row.length; group += 32) {
      double largest = largestMagnitude(row, group);
      for (int i = group; i < group + 32; i++) {
        assertEquals(row[i], decoded[i], tolerance(dtype, row[i], largest), dtype + " " + i);
      }
    }
  }

  @Test
  void encodesF32F16AndBf16AsTheirBits() {
    float[] row = {1f, -2f, 0f};
    assertArrayEquals(
        new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, (byte) 0xc0, 0, 0, 0, 0},
        encode(DType.F32, row).array());
    assertArrayEquals(new byte[] {0, 0x3c, 0, (byte) 0xc0, 0, 0}, encode(DType.F16, row).array());
    assertArrayEquals(
        new byte[] {(byte) 0x80, 0x3f, 0, (byte) 0xc0, 0, 0}, encode(DType.BF16, row).array());
  }

  @Test
  void quantisesToQ8AsTheReferenceInDoubles() {
    Random random = new Random(3);
    for (int round = 0; round < 2_000; round++) {
      float[] row = randomRow(random, 32, (float) Math.scalb(1.0, random.nextInt(20) - 10));
      ByteBuffer bytes = encode(DType.Q8_0, row);
      double scale = largestMagnitude(row, 0) / 127;
      assertEquals(HalfFloat.fromFloat((float) scale), bytes.getShort(0));
      for (int i = 0; i < 32; i++) {
        double exact = row[i] / scale;
        double nearest = Math.signum(exact) * Math.floor(Math.abs(exact) + 0.5);
        assertCode(nearest, Math.abs(exact) + 0.5, bytes.get(2 + i));
      }
    }
  }

  @Test
  void quantisesToQ4AsTheReferenceInDoubles() {
    Random random = new Random(4);
    for (int round = 0; round < 2_000; round++) {
      float[] row = randomRow(random, 32, (float) Math.scalb(1.0, random.nextInt(20) - 10));
      ByteBuffer bytes = encode(DType.Q4_0, row);
      double largest = 0;
      for (float value : row) {
        largest = Math.abs(value) > Math.abs(largest) ? value : largest;
      }
      double scale = largest / -8;
      assertEquals(HalfFloat.fromFloat((float) scale), bytes.getShort(0));
      for (int i = 0; i < 32; i++) {
        double shifted = row[i] / scale + 8.5;
        int codes = bytes.get(2 + i % 16);
        assertCode(Math.min(15, Math.floor(shifted)), shifted, (i < 16 ? codes : codes >> 4) & 15);
      }
    }
  }

  @Test
  void quantisesHandMadeGroups() {
    float[] row = new float[32];
    row[0] = -8;
    row[1] = 7;
    row[16] = 3;
    row[31] = 8; // beyond the largest code when the scale is positive
    byte[] q4 = encode(DType.Q4_0, row).array();
    assertEquals(0x3c00, ByteBuffer.wrap(q4).order(ByteOrder.LITTLE_ENDIAN).getShort());
    assertEquals((byte) 0xb0, q4[2]);
    assertEquals((byte) 0x8f, q4[3]);
    assertEquals((byte) 0xf8, q4[17]);

    row[0] = -127;
    row[1] = 0.5f;
    row[2] = -0.5f;
    row[3] = 0.49999997f;
    byte[] q8 = encode(DType.Q8_0, row).array();
    assertArrayEquals(
        new byte[] {0, 0x3c, -127, 1, -1, 0}, Arrays.copyOf(q8, 6), "halves round away");
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, 1e-40f, 1e-6f})
  void quantisesZerosAndTinyValuesToSomethingTiny(float value) {
    float[] row = new float[32];
    row[5] = value;
    for (DType dtype : new DType[] {DType.Q8_0, DType.Q4_0}) {
      for (float decoded : decode(dtype, encode(dtype, row), 32)) {
        assertTrue(Math.abs(decoded) <= 2e-6f, dtype + " decodes " + decoded);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, 1e10f})
  void refusesToQuantiseWhatHasNoScale(float value) {
    float[] row = new float[64];
    row[40] = value;
    assertThrows(ArithmeticException.class, () -> encode(DType.Q8_0, row));
    assertThrows(ArithmeticException.class, () -> encode(DType.Q4_0, row));
  }

  @Test
  void refusesPartsOfAGroupAndForeignByteOrder() {
    assertThrows(
        IllegalArgumentException.class,
        () -> RowCodec.decode(DType.Q4_0, ByteBuffer.allocate(18), new float[31]));
    assertThrows(
        IllegalArgumentException.class,
        () -> RowCodec.encode(DType.F32, new float[1], ByteBuffer.allocate(4)));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            RowCodec.decode(
                DType.Q8_0_SHARED,
                ByteBuffer.allocate(34).order(ByteOrder.LITTLE_ENDIAN),
                new float[32]));
  }

  private static void assertCode(double expected, double beforeFloor, int found) {
    boolean isTie = Math.abs(beforeFloor - Math.rint(beforeFloor)) < TIE;
    assertEquals(expected, found, isTie ? 1 : 0);
  }

  private static double tolerance(DType dtype, float value, double largest) {
    return switch (dtype) {
      case F32 -> 0;
      case F16 -> Math.abs(value) * 0x1p-11;
      case BF16 -> Math.abs(value) * 0x1p-8;
      case Q8_0 -> largest / 127 * 0.57; // half a step, and the scale's rounding times 127
      default -> largest / 8 * 1.01; // the end that the scale doesn't come from is cut off
    };
  }

  private static double largestMagnitude(float[] row, int start) {
    double largest = 0;
    for (int i = start; i < start + 32; i++) {
      largest = Math.max(largest, Math.abs(row[i]));
    }
    return largest;
  }

  private static float[] randomRow(Random random, int length, float deviation) {
    float[] row = new float[length];
    for (int i = 0; i < length; i++) {
      row[i] = (float) random.nextGaussian() * deviation;
    }
    return row;
  }

  private static ByteBuffer encode(DType dtype, float[] row) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) dtype.bytes(row.length)).order(ByteOrder.LITTLE_ENDIAN);
    RowCodec.encode(dtype, row, bytes);
    assertEquals(0, bytes.remaining());
    return bytes.flip();
  }

  private static float[] decode(DType dtype, ByteBuffer bytes, int length) {
    float[] row = new float[length];
    RowCodec.decode(dtype, bytes, row);
    assertEquals(0, bytes.remaining());
    return row;
  }
}
