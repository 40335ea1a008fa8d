package org.coreinfer.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.coreinfer.TestData;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is lost by storing numbers in each dtype with groups, and how each is read back. */
class QuantizationErrorTest {
  private static final int SIZE = 4096;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
  void decodesRandomBytesAsTheFormatIsDefined(DType dtype) {
    Random random = new Random(dtype.code());
    byte[] bytes = new byte[(int) dtype.bytes(SIZE)];
    random.nextBytes(bytes);
    int groupBytes = (int) dtype.bytes(dtype.groupSize());
    for (int group = 0; group < bytes.length; group += groupBytes) {
      for (int half : QuantReference.halves(dtype)) {
        bytes[group + half + 1] &= (byte) 0xbf; // neither infinite nor NaN
      }
    }
    float[] expected = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      int group = i / dtype.groupSize() * groupBytes;
      expected[i] =
          QuantReference.element(
              dtype, Arrays.copyOfRange(bytes, group, group + groupBytes), i % dtype.groupSize());
    }
    assertArrayEquals(expected, decode(dtype, bytes));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
  void decodesBlocksToTheBitsThatLlamaCppsPackageGives(DType dtype) throws IOException {
    byte[] bytes = Files.readAllBytes(TestData.file("quants/" + dtype + ".bytes"));
    float[] expected = new float[1024];
    TestData.floats(TestData.file("quants/" + dtype + ".f32")).get(expected);
    float[] decoded = decode(dtype, bytes);
    assertEquals(expected.length, decoded.length);
    for (int i = 0; i < expected.length; i++) {
      int bits = Float.floatToRawIntBits(expected[i]);
      assertEquals(bits, Float.floatToRawIntBits(decoded[i]), dtype + " " + i);
    }
  }

  /** Relative root mean square of the error, for numbers as weights are distributed. */
  @ParameterizedTest
  @CsvSource({
    "Q8_0, 0.0060",
    "Q4_0, 0.0920",
    "Q4_1, 0.0740",
    "Q5_0, 0.0430",
    "Q5_1, 0.0360",
    "Q4_K, 0.0750",
    "Q5_K, 0.0370",
    "Q6_K, 0.0180"
  })
  void normallyDistributedNumbersKeepTheirValues(DType dtype, double most) {
    Random random = new Random(1);
    float[] row = row(() -> random.nextGaussian() * 0.03);
    double error = relativeError(row, decode(dtype, encode(dtype, row)));
    assertTrue(error < most, dtype + ": " + error);
    assertTrue(error > most / 2, "a bound that says something: " + dtype + ": " + error);
  }

  /** Where ranges of codes are taken from the largest numbers, a lone one spoils its group. */
  @ParameterizedTest
  @CsvSource({"Q4_1, 15", "Q5_1, 31", "Q4_K, 15", "Q5_K, 31"})
  void losesLessThanTheGroupsRangeInEqualSteps(DType dtype, int most) {
    Random random = new Random(2);
    float[] row = row(() -> Math.pow(random.nextGaussian(), 3));
    float[] plain = new float[SIZE];
    for (int start = 0; start < SIZE; start += 32) {
      float[] sorted = Arrays.copyOfRange(row, start, start + 32);
      Arrays.sort(sorted);
      double step = (sorted[31] - sorted[0]) / most;
      for (int i = start; i < start + 32; i++) {
        plain[i] = (float) (sorted[0] + step * Math.rint((row[i] - sorted[0]) / step));
      }
    }
    double error = relativeError(row, decode(dtype, encode(dtype, row)));
    double plainError = relativeError(row, plain);
    assertTrue(error < plainError, dtype + ": " + error + " of " + plainError);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
  void storingWhatWasReadBackLosesNextToNothing(DType dtype) {
    Random random = new Random(3);
    float[] row = row(random::nextGaussian);
    float[] once = decode(dtype, encode(dtype, row));
    float[] twice = decode(dtype, encode(dtype, once));
    double first = relativeError(row, once);
    double both = relativeError(row, twice);
    assertTrue(both <= first * 1.02, dtype + ": " + both + " after " + first);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
  void storesEvenGroupsAndLoneNumbers(DType dtype) {
    for (float value : new float[] {0, -0f, 1, -3, 1e-40f, 1e-7f, 60_000}) {
      float[] even = new float[256];
      Arrays.fill(even, value);
      assertClose(dtype, even, Math.abs(value) * 0.02 + 1e-6);
      float[] lone = new float[256];
      lone[77] = value;
      assertClose(dtype, lone, Math.abs(value) * 0.06 + 1e-6);
    }
  }

  private static void assertClose(DType dtype, float[] row, double most) {
    float[] decoded = decode(dtype, encode(dtype, row));
    for (int i = 0; i < row.length; i++) {
      assertEquals(row[i], decoded[i], most, dtype + " " + row[i] + " at " + i);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
  void refusesWhatNoScaleReaches(DType dtype) {
    for (float value : new float[] {Float.NaN, Float.NEGATIVE_INFINITY, 1e12f}) {
      float[] row = new float[512];
      row[300] = value;
      assertThrows(ArithmeticException.class, () -> encode(dtype, row));
    }
    assertThrows(
        IllegalArgumentException.class, () -> encode(dtype, new float[dtype.groupSize() / 2]));
  }

  private static float[] row(DoubleSupplier numbers) {
    float[] row = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      row[i] = (float) numbers.getAsDouble();
    }
    return row;
  }

  private static double relativeError(float[] expected, float[] found) {
    double error = 0;
    double all = 0;
    for (int i = 0; i < expected.length; i++) {
      error += Math.pow((double) expected[i] - found[i], 2);
      all += Math.pow(expected[i], 2);
    }
    return Math.sqrt(error / all);
  }

  private static byte[] encode(DType dtype, float[] row) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) (row.length * dtype.bytes(dtype.groupSize()) / dtype.groupSize()))
            .order(ByteOrder.LITTLE_ENDIAN);
    RowCodec.encode(dtype, row, bytes);
    assertEquals(0, bytes.remaining());
    return bytes.array();
  }

  private static float[] decode(DType dtype, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] row =
        new float[(int) (bytes.length / dtype.bytes(dtype.groupSize())) * dtype.groupSize()];
    RowCodec.decode(dtype, buffer, row);
    assertEquals(0, buffer.remaining());
    return row;
  }
}
