package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowCodec;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GgufWriterTest {
  private final Path folder;
  private final Path file;

  GgufWriterTest(@TempDir Path folder) {
    this.folder = folder;
    this.file = folder.resolve("out.gguf");
  }

  @Test
  void writesMetadataThatReadsBack() {
    GgufWriter writer = new GgufWriter();
    writer.string("general.architecture", "llama");
    writer.integer("llama.block_count", Integer.MAX_VALUE);
    writer.number("llama.rope.freq_base", 0.1f);
    writer.flag("tokenizer.ggml.add_bos_token", true);
    writer.strings("tokenizer.ggml.tokens", List.of("", "grün", "\0"));
    writer.integers("tokenizer.ggml.token_type", new int[] {1, -1});
    writer.numbers("tokenizer.ggml.scores", new float[] {-0.25f});
    writer.write(file, (written, total) -> {});
    try (GgufFile read = GgufFile.open(file, TestFiles::map)) {
      Metadata metadata = read.metadata();
      assertEquals("llama", read.architecture());
      assertEquals(Integer.MAX_VALUE, metadata.integer("llama.block_count"));
      assertEquals(0.1f, metadata.number("llama.rope.freq_base"));
      assertTrue(metadata.flag("tokenizer.ggml.add_bos_token", false));
      assertEquals(List.of("", "grün", "\0"), metadata.strings("tokenizer.ggml.tokens"));
      assertArrayEquals(new long[] {1, -1}, metadata.integers("tokenizer.ggml.token_type"));
      assertArrayEquals(new double[] {-0.25}, metadata.numbers("tokenizer.ggml.scores"));
      assertEquals(7, metadata.values().size());
    }
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = ".*_SHARED", mode = EnumSource.Mode.MATCH_NONE)
  void writesRandomTensorsThatReadBack(DType dtype) throws IOException {
    int unit = Math.max(32, dtype.groupSize());
    int[][] shapes = {{1, unit}, {1, 13 * unit}, {13, 2 * unit}, {207, unit}, {3, 129 * unit}};
    List<float[][]> values = new ArrayList<>();
    GgufWriter writer = new GgufWriter();
    Random random = new Random(dtype.code());
    for (int[] shape : shapes) {
      float[][] matrix = randomMatrix(random, shape[0], shape[1]);
      values.add(matrix);
      writer.tensor("t" + values.size(), dtype, shape[0], shape[1], rows(matrix));
    }
    writer.write(file, (written, total) -> {});
    try (GgufFile read = GgufFile.open(file, TestFiles::map)) {
      for (int i = 0; i < shapes.length; i++) {
        Tensor tensor = read.tensor("t" + (i + 1));
        assertEquals(dtype, tensor.dtype());
        assertEquals(shapes[i][0], tensor.rows());
        assertEquals(shapes[i][1], tensor.columns());
        for (int row = 0; row < tensor.rows(); row++) {
          assertArrayEquals(throughFormat(dtype, values.get(i)[row]), TestFiles.row(tensor, row));
        }
      }
      assertEquals(Files.size(file), read.bytes());
      assertEquals(0, read.bytes() % 32);
    }
  }

  @Test
  void copiesATensorOfAnotherFile() {
    float[][] matrix = randomMatrix(new Random(6), 9, 64);
    GgufWriter writer = new GgufWriter();
    writer.tensor("t", DType.F32, 9, 64, rows(matrix));
    writer.write(file, (written, total) -> {});
    Path copy = folder.resolve("copy.gguf");
    try (GgufFile source = GgufFile.open(file, TestFiles::map)) {
      GgufWriter copier = new GgufWriter();
      RowSource tensor = RowSource.of(source.tensor("t"));
      copier.tensor("reversed", DType.BF16, 9, 64, (row, values) -> tensor.read(8 - row, values));
      copier.write(copy, (written, total) -> {});
    }
    try (GgufFile read = GgufFile.open(copy, TestFiles::map)) {
      assertArrayEquals(
          throughFormat(DType.BF16, matrix[8]), TestFiles.row(read.tensor("reversed"), 0));
    }
  }

  @Test
  void tellsItsProgressUpToTheFilesSize() throws IOException {
    GgufWriter writer = new GgufWriter();
    writer.tensor("large", DType.F32, 900, 1024, (row, values) -> {});
    writer.tensor("small", DType.F16, 1, 3, (row, values) -> {});
    List<Long> steps = new ArrayList<>();
    List<Long> totals = new ArrayList<>();
    writer.write(
        file,
        (written, total) -> {
          steps.add(written);
          totals.add(total);
        });
    assertEquals(steps.stream().sorted().toList(), steps);
    assertTrue(steps.size() > 4, "one step per MiB, found " + steps);
    assertEquals(Files.size(file), steps.get(steps.size() - 1));
    assertEquals(List.of(Files.size(file)), totals.stream().distinct().toList());
  }

  @Test
  void leavesNothingBehindWhenARowFails() throws IOException {
    Files.writeString(file, "old");
    GgufWriter writer = new GgufWriter();
    writer.tensor("good", DType.F32, 600, 1024, (row, values) -> {});
    writer.tensor("bad", DType.Q8_0, 2, 32, (row, values) -> values[3] = row == 1 ? Float.NaN : 1);
    CoreInferException e =
        assertThrows(CoreInferException.class, () -> writer.write(file, (written, total) -> {}));
    assertTrue(String.valueOf(e.getMessage()).startsWith("bad: row 1 can't be stored as Q8_0"));
    assertEquals("old", Files.readString(file));
    assertEquals(List.of(file), files());
  }

  @Test
  void leavesNothingBehindWhenCancelled() throws IOException {
    GgufWriter writer = new GgufWriter();
    writer.tensor("t", DType.F32, 1, 1, (row, values) -> {});
    assertThrows(
        UnsupportedOperationException.class,
        () ->
            writer.write(
                file,
                (written, total) -> {
                  throw new UnsupportedOperationException();
                }));
    assertEquals(List.of(), files());
  }

  @Test
  void saysWhyAFileCannotBeWritten() throws IOException {
    GgufWriter writer = new GgufWriter();
    Path nowhere = folder.resolve("absent/out.gguf");
    CoreInferException e =
        assertThrows(CoreInferException.class, () -> writer.write(nowhere, (written, total) -> {}));
    assertTrue(String.valueOf(e.getMessage()).startsWith(nowhere + ": cannot be written"));
    Files.createDirectories(file.resolve("inside"));
    assertThrows(CoreInferException.class, () -> writer.write(file, (written, total) -> {}));
    assertEquals(List.of(file), files());
  }

  @Test
  void refusesWhatNoFileCanHold() {
    GgufWriter writer = new GgufWriter();
    RowSource zeros = (row, values) -> {};
    writer.integer("key", 1);
    writer.tensor("t", DType.F32, 1, 1, zeros);
    assertThrows(
        IllegalArgumentException.class, () -> writer.tensor("u", DType.Q4_K, 1, 128, zeros));
    assertThrows(IllegalArgumentException.class, () -> writer.string("key", ""));
    assertThrows(IllegalArgumentException.class, () -> writer.integer("negative", -1));
    assertThrows(IllegalArgumentException.class, () -> writer.tensor("t", DType.F32, 1, 1, zeros));
    assertThrows(
        IllegalArgumentException.class, () -> writer.tensor("u", DType.Q4_0, 1, 33, zeros));
    assertThrows(IllegalArgumentException.class, () -> writer.tensor("u", DType.F32, 0, 1, zeros));
    assertThrows(
        IllegalArgumentException.class, () -> writer.tensor("u", DType.Q4_0_SHARED, 1, 32, zeros));
    assertThrows(
        IllegalArgumentException.class,
        () -> writer.tensor("u", DType.F32, 1, Integer.MAX_VALUE, zeros));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private static RowSource rows(float[][] matrix) {
    return (row, values) -> System.arraycopy(matrix[row], 0, values, 0, values.length);
  }

  private static float[] throughFormat(DType dtype, float[] row) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) dtype.bytes(row.length)).order(ByteOrder.LITTLE_ENDIAN);
    RowCodec.encode(dtype, row, bytes);
    float[] decoded = new float[row.length];
    RowCodec.decode(dtype, bytes.flip(), decoded);
    return decoded;
  }

  private static float[][] randomMatrix(Random random, int rows, int columns) {
    float[][] matrix = new float[rows][columns];
    for (float[] row : matrix) {
      for (int i = 0; i < columns; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    return matrix;
  }
}
