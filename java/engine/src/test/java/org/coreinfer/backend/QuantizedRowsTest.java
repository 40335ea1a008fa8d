package org.coreinfer.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import org.coreinfer.TestData;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows of quantised matrices as the kernels read them. */
class QuantizedRowsTest {
  private static final int ROWS = 4;
  private static final int COLUMNS = 256;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
  void haveTheBitsThatLlamaCppsPackageGives(DType dtype) throws IOException {
    byte[] bytes = Files.readAllBytes(TestData.file("quants/" + dtype + ".bytes"));
    float[] expected = new float[ROWS * COLUMNS];
    TestData.floats(TestData.file("quants/" + dtype + ".f32")).get(expected);
    try (Backend cpu = TestBackend.CPU.open();
        NativeMemory memory = cpu.allocate("rows", bytes.length);
        NativeMemory ids = cpu.allocateInts("ids", ROWS);
        NativeMemory y = cpu.allocateFloats("y", expected.length)) {
      memory.buffer(0, bytes.length).put(bytes);
      cpu.upload(new int[] {0, 1, 2, 3}, ids);
      cpu.embed(new Tensor("rows", dtype, ROWS, COLUMNS, memory), ids, ROWS, y);
      float[] found = cpu.downloadFloats(y, expected.length);
      for (int i = 0; i < expected.length; i++) {
        int bits = Float.floatToRawIntBits(expected[i]);
        assertEquals(bits, Float.floatToRawIntBits(found[i]), dtype + " " + i);
      }
    }
  }
}
