package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
  private final Path folder;

  GgufFileTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void readsEveryMetadataType() {
    byte[] bytes =
        GgufBytes.start(2, 0, 15)
            .raw(key("u8", 0) + "\u00ff")
            .raw(key("i8", 1) + "\u00ff")
            .raw(key("u16", 2) + "\u00fe\u00ff")
            .raw(key("i16", 3) + "\u00fe\u00ff")
            .raw(key("u32", 4))
            .int32(-1)
            .raw(key("i32", 5))
            .int32(-1)
            .raw(key("f32", 6))
            .int32(Float.floatToRawIntBits(0.5f))
            .raw(key("bool", 7) + "\1")
            .raw(key("string", 8))
            .string("gr\u00c3\u00bcn")
            .raw(key("u64", 10))
            .int64(Long.MAX_VALUE)
            .raw(key("i64", 11))
            .int64(-5)
            .raw(key("f64", 12))
            .int64(Double.doubleToRawLongBits(-0.1))
            .raw(key("strings", 9))
            .int32(8)
            .int64(2)
            .string("")
            .string("b")
            .raw(key("bytes", 9))
            .int32(0)
            .int64(3)
            .raw("\0\u0080\u00ff")
            .raw(key("flags", 9))
            .int32(7)
            .int64(2)
            .raw("\1\0")
            .toBytes();
    try (GgufFile file = open(bytes)) {
      Metadata metadata = file.metadata();
      assertEquals(255, metadata.integer("u8"));
      assertEquals(-1, metadata.integer("i8"));
      assertEquals(65534, metadata.integer("u16"));
      assertEquals(-2, metadata.integer("i16"));
      assertEquals(4294967295L, metadata.values().get("u32"));
      assertEquals(-1, metadata.integer("i32"));
      assertEquals(0.5, metadata.number("f32"));
      assertTrue(metadata.flag("bool", false));
      assertEquals("gr\u00fcn", metadata.string("string"));
      assertEquals(Long.MAX_VALUE, metadata.values().get("u64"));
      assertEquals(-5, metadata.integer("i64"));
      assertEquals(-0.1, metadata.number("f64"));
      assertEquals(List.of("", "b"), metadata.strings("strings"));
      assertArrayEquals(new long[] {0, 128, 255}, metadata.integers("bytes"));
      assertArrayEquals(new boolean[] {true, false}, (boolean[]) metadata.values().get("flags"));
      assertTrue(file.tensors().isEmpty());
      assertThrows(ModelFormatException.class, file::architecture);
    }
  }

  @Test
  void turnsGgufDimensionsIntoRowsAndColumns() {
    byte[] bytes =
        GgufBytes.withTensors(4)
            .tensor("vector", 0, 0, 3)
            .tensor("matrix", 1, 32, 4, 2)
            .tensor("padded", 0, 64, 2, 3, 1, 1)
            .tensor("row", 0, 96, 5, 1)
            .data(128);
    try (GgufFile file = open(bytes)) {
      assertEquals(
          List.of("vector", "matrix", "padded", "row"), List.copyOf(file.tensors().keySet()));
      assertTensor(file.tensor("vector"), DType.F32, 1, 3);
      assertTensor(file.tensor("matrix"), DType.F16, 2, 4);
      assertTensor(file.tensor("padded"), DType.F32, 3, 2);
      assertTensor(file.tensor("row"), DType.F32, 1, 5);
      assertEquals("llama", file.architecture());
      assertEquals("tiny.gguf", file.name());
      assertEquals(bytes.length, file.bytes());
    }
  }

  @Test
  void honoursItsAlignment() {
    byte[] bytes =
        GgufBytes.start(3, 2, 1)
            .raw(key("general.alignment", 4))
            .int32(128)
            .tensor("a", 0, 0, 1)
            .tensor("b", 0, 128, 1)
            .data(128, 132);
    bytes[bytes.length - 1] = 0x40;
    try (GgufFile file = open(bytes)) {
      assertEquals(2f, TestFiles.row(file.tensor("b"), 0)[0]);
    }
  }

  @Test
  void readsPowerInfersVariant() {
    byte[] bytes =
        GgufBytes.withTensors(3)
            .tensor("blk.0.ffn_down_t.weight", 2, 0, 32, 4)
            .tensor("blk.0.fc1.weight", 1, 96, 32, 2)
            .tensor("blk.0.fc2.weight", 1, 224, 2, 4)
            .data(240);
    bytes[0] = 'P';
    bytes[1] = 'W';
    bytes[2] = 'R';
    bytes[3] = 'I';
    try (GgufFile file = open(bytes)) {
      assertTensor(file.tensor("blk.0.ffn_down_t.weight"), DType.Q4_0, 4, 32);
      assertEquals(3, file.tensors().size());
    }
  }

  @Test
  void reportsUnsupportedTensorsWhenAskedForThem() {
    byte[] bytes =
        GgufBytes.withTensors(7)
            .tensor("k-quant", 10, 0, 256)
            .tensor("unheard-of", 99, 224, 7)
            .tensor("cube", 0, 256, 2, 2, 2)
            .tensor("scalar", 0, 288)
            .tensor("nothing", 0, 320, 0, 4)
            .tensor("removed", 4, 352, 32)
            .tensor("good", 0, 384, 1)
            .data(388);
    try (GgufFile file = open(bytes)) {
      assertEquals(List.of("good"), List.copyOf(file.tensors().keySet()));
      assertEquals(6, file.unsupported().size());
      assertRefused(
          file,
          "k-quant",
          "dtype Q2_K is not supported, only F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K,"
              + " Q6_K, BF16");
      assertRefused(file, "unheard-of", "dtype number 99 is not supported");
      assertRefused(file, "removed", "dtype number 4 is not supported");
      assertRefused(file, "cube", "3 dimensions");
      assertRefused(file, "scalar", "0 dimensions");
      assertRefused(file, "nothing", "[4, 0]");
      assertRefused(file, "absent", "is missing");
      assertTrue(file.find("absent").isEmpty());
      assertEquals("good", file.find("good").orElseThrow().name());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, GGUF version 1 is not supported",
    "4, GGUF version 4 is not supported",
    "0x03000000, big-endian",
    "0x02000000, big-endian",
    "-1, GGUF version 4294967295 is not supported"
  })
  void refusesOtherVersions(String version, String expected) {
    byte[] bytes = GgufBytes.start(Long.decode(version).intValue(), 0, 0).toBytes();
    assertBroken(bytes, expected);
  }

  @Test
  void refusesTensorsOutsideOfTheFile() {
    assertBroken(oneTensor(0, 0, 9), "36 bytes at offset 0 lie outside");
    assertBroken(oneTensor(0, 32, 2), "8 bytes at offset 32 lie outside");
    assertBroken(oneTensor(0, Long.MAX_VALUE - 31, 1), "outside");
    assertBroken(oneTensor(99, 64, 1), "outside");
    assertBroken(oneTensor(0, 0, -1), "18446744073709551615 is out of range");
    assertBroken(oneTensor(0, 0, 1L << 40, 1L << 40), "its size overflows");
    assertBroken(oneTensor(0, 0, 1L << 61, 2), "its size overflows");
    assertBroken(oneTensor(0, 0, Integer.MAX_VALUE, 1 << 20), "outside");
  }

  @Test
  void refusesTensorsThatOverlapOrRepeat() {
    assertBroken(
        GgufBytes.withTensors(2).tensor("b", 0, 32, 1).tensor("a", 0, 0, 9).data(64),
        "tensors a and b overlap");
    assertBroken(
        GgufBytes.withTensors(2).tensor("a", 0, 0, 1).tensor("b", 0, 0, 1).data(64), "overlap");
    assertBroken(
        GgufBytes.withTensors(2).tensor("a", 0, 0, 1).tensor("a", 0, 32, 1).data(64),
        "tensor a: the tensor appears twice");
  }

  @Test
  void refusesMisplacedOrPartialRows() {
    assertBroken(oneTensor(0, 4, 1), "the offset 4 is not a multiple of 32");
    assertBroken(oneTensor(8, 0, 31), "expected a multiple of 32 for Q8_0");
    assertBroken(oneTensor(0, 0, 1, 1, 1, 1, 1), "5 dimensions");
    assertBroken(
        GgufBytes.start(3, 0, 1).raw(key("general.alignment", 4)).int32(24).toBytes(),
        "24 is not a power of two");
    assertBroken(
        GgufBytes.start(3, 0, 1).raw(key("general.alignment", 4)).int32(0).toBytes(),
        "0 is not a power of two");
  }

  @Test
  void refusesBrokenMetadata() {
    assertBroken(
        start(2).raw(key("k", 7) + "\1" + key("k", 7) + "\1"), "metadata k: the key appears");
    assertBroken(start(1).raw(key("k", 7) + "\2"), "metadata k: expected a boolean");
    assertBroken(start(1).raw(key("k", 13)), "metadata k: unknown value type 13");
    assertBroken(start(1).raw(key("k", 10)).int64(-1), "18446744073709551615 is out of range");
    assertBroken(start(1).raw(key("k", 8)).int64(1).raw("\u00ff"), "not valid UTF-8");
    assertBroken(start(1).raw(key("k", 8)).int64(2).raw("a"), "a string of 2 bytes, but only 1");
    assertBroken(start(1).raw(key("k", 9)).int32(9).int64(1), "arrays of arrays");
    assertBroken(start(1).raw(key("k", 9)).int32(8).int64(3).raw("12345678"), "3 array elements");
    assertBroken(start(1).raw(key("", 7) + "\1"), "a name of 0 characters");
    assertBroken(start(1), "1 metadata keys, but only 0 bytes are left");
    assertBroken(start(1).raw(key("split.count", 2) + "\3\0"), "one of 3 parts of a split model");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MAX_VALUE, 1L << 40, 1L << 31, 100})
  void refusesCountsThatTheFileCannotHold(long count) {
    assertBroken(GgufBytes.start(3, count, 0).toBytes(), "header: ");
    assertBroken(GgufBytes.start(3, 0, count).toBytes(), "header: ");
    assertBroken(start(1).raw(key("k", 9)).int32(4).int64(count), "metadata k: ");
    assertBroken(start(1).raw(key("k", 8)).int64(count), "metadata k: ");
    assertBroken(start(1).int64(count).raw("12345"), "metadata key 0: ");
  }

  @Test
  void keepsControlCharactersOutOfItsMessages() {
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () -> open(start(1).raw(key("\33[31m\n" + "x".repeat(500), 7) + "\2").toBytes()));
    assertTrue(String.valueOf(e.getMessage()).contains("metadata ??31m?xxx".replace("??", "?[")));
    assertTrue(String.valueOf(e.getMessage()).length() < 300);
  }

  @Test
  void closesTwiceAndRefusesUseAfterwards() {
    GgufFile file = open(oneTensor(0, 0, 2));
    Tensor tensor = file.tensor("t");
    file.close();
    file.close();
    assertThrows(IllegalStateException.class, () -> tensor.memory().address());
    assertThrows(IllegalStateException.class, () -> TestFiles.row(tensor, 0));
  }

  @Test
  void readsAModelInsideOfMemoryAndClosesItEvenIfBroken() throws IOException {
    NativeMemory good = TestFiles.map(Files.write(folder.resolve("good"), oneTensor(0, 0, 2)));
    try (GgufFile file = GgufFile.of("embedded", good)) {
      assertEquals("embedded", file.name());
      assertFalse(good.isClosed());
    }
    assertTrue(good.isClosed());
    NativeMemory broken = TestFiles.map(Files.write(folder.resolve("broken"), oneTensor(0, 4, 2)));
    assertThrows(ModelFormatException.class, () -> GgufFile.of("embedded", broken));
    assertTrue(broken.isClosed());
    NativeMemory other = TestFiles.map(Files.write(folder.resolve("other"), new byte[2]));
    assertThrows(ModelFormatException.class, () -> GgufFile.of("embedded", other));
    assertTrue(other.isClosed());
  }

  private static String key(String name, int type) {
    return new String(
        new GgufBytes().string(name).int32(type).toBytes(), StandardCharsets.ISO_8859_1);
  }

  private static GgufBytes start(int keys) {
    return GgufBytes.start(3, 0, keys);
  }

  private static byte[] oneTensor(int type, long offset, long... dimensions) {
    return GgufBytes.withTensors(1).tensor("t", type, offset, dimensions).data(32);
  }

  private GgufFile open(byte[] bytes) {
    try {
      return GgufFile.open(Files.write(folder.resolve("tiny.gguf"), bytes), TestFiles::map);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertBroken(GgufBytes bytes, String expected) {
    assertBroken(bytes.toBytes(), expected);
  }

  private void assertBroken(byte[] bytes, String expected) {
    String message = assertThrows(ModelFormatException.class, () -> open(bytes)).getMessage();
    assertTrue(String.valueOf(message).startsWith("tiny.gguf: "), message);
    assertTrue(String.valueOf(message).contains(expected), message);
  }

  private static void assertRefused(GgufFile file, String tensor, String expected) {
    String message =
        assertThrows(ModelFormatException.class, () -> file.tensor(tensor)).getMessage();
    assertTrue(String.valueOf(message).startsWith("tiny.gguf: tensor " + tensor), message);
    assertTrue(String.valueOf(message).contains(expected), message);
  }

  private static void assertTensor(Tensor tensor, DType dtype, int rows, int columns) {
    assertEquals(dtype, tensor.dtype());
    assertEquals(rows, tensor.rows());
    assertEquals(columns, tensor.columns());
    assertEquals(tensor.bytes(), tensor.memory().bytes());
  }
}
