package org.coreinfer.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.RowCodec;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** y += x weight, of down projections as kernels hold them, against sums in double precision. */
class TransposedProductTest {
  private static final int DIM = 64;

  static List<Arguments> backendsAndDtypes() {
    return Arrays.stream(TestBackend.values())
        .flatMap(
            backend ->
                Stream.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0)
                    .map(dtype -> Arguments.of(backend, dtype)))
        .toList();
  }

  private static float[] random(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("backendsAndDtypes")
  void addsTheProductOfEveryToken(TestBackend where, DType dtype) {
    for (int neurons : new int[] {32, 160}) {
      for (int tokens : new int[] {1, 3, 17}) {
        check(where, dtype, neurons, tokens);
      }
    }
  }

  private static void check(TestBackend where, DType dtype, int neurons, int tokens) {
    Random random = new Random(neurons * 31L + tokens);
    float[][] down = new float[DIM][neurons];
    int rowBytes = Math.toIntExact(dtype.bytes(neurons));
    ByteBuffer encoded = ByteBuffer.allocate(DIM * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
    for (float[] row : down) {
      RowCodec.encode(dtype, random(random, neurons), encoded);
      int start = encoded.position() - rowBytes;
      ByteBuffer written = encoded.duplicate().order(ByteOrder.LITTLE_ENDIAN);
      RowCodec.decode(dtype, written.position(start), row);
    }
    float[] x = random(random, tokens * neurons);
    float[] y = random(random, tokens * DIM);
    float[] found = product(where, dtype, neurons, encoded.array(), x, y);
    // A library's products of small weights round x to F16, a processor's matrix registers to two
    // bfloat16 parts.
    double rounding = dtype == DType.F32 ? 1e-5 : where.roundsProducts() ? 2e-3 : 3e-5;
    double tolerance = rounding * (1 + Math.sqrt(neurons));
    // Integer products round x to 16 bits of the largest of 32.
    boolean hasIntegers = dtype == DType.Q8_0 || dtype == DType.Q4_0;
    float largest = 0;
    for (float value : x) {
      largest = Math.max(largest, Math.abs(value));
    }
    double step = hasIntegers ? largest * 0x1p-16 : 0;
    for (int t = 0; t < tokens; t++) {
      for (int i = 0; i < DIM; i++) {
        double expected = y[t * DIM + i];
        double allowed = tolerance;
        for (int neuron = 0; neuron < neurons; neuron++) {
          expected += (double) x[t * neurons + neuron] * down[i][neuron];
          allowed += step * Math.abs(down[i][neuron]);
        }
        assertEquals(expected, found[t * DIM + i], allowed, dtype + ", neurons " + neurons);
      }
    }
  }

  private static float[] product(
      TestBackend where, DType dtype, int neurons, byte[] encoded, float[] x, float[] y) {
    try (Backend cpu = TestBackend.CPU.open();
        Backend backend = where.open();
        NativeMemory file = cpu.allocate("down", encoded.length);
        NativeMemory input = backend.allocateFloats("x", x.length);
        NativeMemory output = backend.allocateFloats("y", y.length)) {
      file.buffer(0, encoded.length).put(encoded);
      Tensor down = backend.placeDown(new Tensor("down", dtype, DIM, neurons, file));
      try (NativeMemory placed = down.memory()) {
        backend.endPlacing();
        assertEquals(neurons, down.rows(), placed.name());
        backend.upload(x, input);
        backend.upload(y, output);
        backend.matmulTransposed(down, input, x.length / neurons, output);
        return backend.downloadFloats(output, y.length);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void refusesMemoryThatIsTooSmall(TestBackend where) {
    try (Backend backend = where.open();
        NativeMemory weight = backend.allocateFloats("weight", 4 * 8);
        NativeMemory two = backend.allocateFloats("two tokens", 2 * 8)) {
      Tensor matrix = new Tensor("weight", DType.F32, 4, 8, weight);
      assertThrows(
          IllegalArgumentException.class, () -> backend.matmulTransposed(matrix, two, 5, weight));
      assertThrows(
          IllegalArgumentException.class, () -> backend.matmulTransposed(matrix, two, 3, two));
    }
  }
}
