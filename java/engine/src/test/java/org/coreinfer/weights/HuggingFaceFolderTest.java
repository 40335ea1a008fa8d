package org.coreinfer.weights;

import static org.coreinfer.weights.SafetensorsBytes.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceFolderTest {
  private static final String INDEX = "model.safetensors.index.json";

  private final Path folder;
  private final List<NativeMemory> mapped = new ArrayList<>();

  HuggingFaceFolderTest(@TempDir Path parent) throws IOException {
    this.folder = Files.createDirectory(parent.resolve("tiny-model"));
    write("config.json", "{\"model_type\": \"llama\", \"eos_token_id\": 2}");
  }

  @Test
  void readsVectorsAndMatricesInHeaderOrder() {
    single(
        "{\"__metadata__\":{\"format\":\"pt\",\"tied\":\"head\"},"
            + entry("norm", "BF16", "[3]", 24, 30)
            + ","
            + entry("head", "F32", "[2,3]", 0, 24)
            + "}   ",
        30);
    try (HuggingFaceFolder file = open()) {
      assertEquals(List.of("norm", "head"), List.copyOf(file.tensors().keySet()));
      Tensor head = file.tensor("head");
      assertEquals(DType.F32, head.dtype());
      assertEquals(2, head.rows());
      assertEquals(3, head.columns());
      assertEquals(0x0b0a0908, Float.floatToRawIntBits(TestFiles.row(head, 0)[2]));
      assertEquals(0x1716, head.memory().buffer(22, 2).getShort());
      assertTrue(file.tensor("norm").isVector());
      assertEquals(Map.of("format", "pt", "tied", "head"), file.metadata());
      assertEquals("llama", file.architecture());
      assertEquals("tiny-model", file.name());
      assertEquals(folder, file.path());
    }
  }

  @Test
  void reportsUnsupportedTensorsWhenAskedForThem() {
    single(
        "{"
            + String.join(
                ",",
                entry("inv_freq", "F64", "[2]", 0, 16),
                entry("mask", "BOOL", "[1,1,2,2]", 16, 20),
                entry("scalar", "F32", "[]", 20, 24),
                entry("cube", "F32", "[1,1,1]", 24, 28),
                entry("empty", "F32", "[0,4]", 28, 28),
                entry("wide", "F32", "[3000000000,0]", 28, 28),
                entry("packed", "F4", "[9]", 28, 33),
                entry("good", "F16", "[1]", 33, 35))
            + "}",
        35);
    try (HuggingFaceFolder file = open()) {
      assertEquals(Set.of("good"), file.tensors().keySet());
      assertEquals(7, file.unsupported().size());
      assertRefused(file, "inv_freq", "dtype F64 is not supported");
      assertRefused(file, "mask", "dtype BOOL is not supported");
      assertRefused(file, "scalar", "0 dimensions");
      assertRefused(file, "cube", "3 dimensions");
      assertRefused(file, "empty", "[0, 4]");
      assertRefused(file, "wide", "[3000000000, 0]");
      assertRefused(file, "packed", "dtype F4 is not supported");
      assertRefused(file, "absent", "is missing");
      assertTrue(file.find("absent").isEmpty());
    }
  }

  @Test
  void joinsShardsByTheirIndex() {
    writeShard("a.safetensors", "x", "left-over");
    writeShard("b.safetensors", "y", "x");
    write(
        INDEX,
        "{\"metadata\":{},\"weight_map\":{\"y\":\"b.safetensors\",\"x\":\"a.safetensors\"}}");
    try (HuggingFaceFolder file = open()) {
      assertEquals(List.of("x", "y"), List.copyOf(file.tensors().keySet()));
      assertEquals(2, mapped.size());
      assertEquals(mapped.get(0).bytes() + mapped.get(1).bytes(), file.bytes());
      assertRefused(file, "left-over", "not listed in " + INDEX);
    }
    assertTrue(mapped.stream().allMatch(NativeMemory::isClosed));
  }

  @Test
  void prefersTheSingleFileAsTransformersDoes() {
    writeShard("model.safetensors", "x", "y");
    write(INDEX, "not even JSON");
    try (HuggingFaceFolder file = open()) {
      assertEquals(2, file.tensors().size());
    }
  }

  @Test
  void refusesShardsThatDoNotMatchTheIndex() {
    writeShard("a.safetensors", "x", "z");
    writeShard("b.safetensors", "y", "w");
    assertIndexRefused("{\"x\":\"b.safetensors\"}", "x is not in b.safetensors");
    assertIndexRefused("{\"none\":\"a.safetensors\"}", "none is not in a.safetensors");
    assertIndexRefused("{\"x\":\"c.safetensors\"}", "the file c.safetensors is missing");
    assertTrue(mapped.stream().allMatch(NativeMemory::isClosed));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../a.safetensors",
        "/etc/a.safetensors",
        "sub/a.safetensors",
        "..\\\\a.safetensors",
        "C:a.safetensors",
        "a\\u0000.safetensors",
        "model.safetensors.index.json",
        "config.json",
        "..",
        ""
      })
  void refusesShardNamesThatLeadElsewhere(String shard) {
    assertIndexRefused("{\"x\":\"" + shard + "\"}", "is not the name of a safetensors file");
    assertTrue(mapped.isEmpty());
  }

  @Test
  void refusesBrokenIndexes() {
    writeShard("a.safetensors", "x", "y");
    assertIndexRefused("{}", "weight_map is missing or empty");
    assertIndexRefused("[]", "not valid JSON");
    assertIndexRefused("{\"x\":1}", "is not the name of a safetensors file");
    assertIndexRefused("{\"x\":null}", "not valid JSON");
    assertIndexRefused("{\"x\":\"a.safetensors\",\"x\":\"a.safetensors\"}", "x appears twice");
    assertIndexRefused("{}, \"weight_map\": {}", "weight_map appears twice");
  }

  @Test
  void refusesHeadersThatDoNotFitTheFile() {
    byte[] empty = "{}".getBytes(StandardCharsets.UTF_8);
    assertRefused(new byte[] {1, 2, 3}, "too short");
    assertRefused(SafetensorsBytes.of(3, empty, 0), "a header of 3 bytes in a file of 10");
    assertRefused(SafetensorsBytes.of(-1, empty, 0), "18446744073709551615 bytes");
    assertRefused(SafetensorsBytes.of(100_000_001, empty, 0), "a header of 100000001 bytes");
    assertRefused(SafetensorsBytes.of(0, empty, 0), "not valid JSON");
    assertRefused(SafetensorsBytes.of("{}", 1), "1 bytes of data, but the header describes 0");
    assertRefused(SafetensorsBytes.of("{}{}", 0), "not valid JSON: at line 1 column 4");
    assertRefused(SafetensorsBytes.of("[".repeat(100_000), 0), "not valid JSON");
    assertRefused(SafetensorsBytes.of("{\"a\":".repeat(100_000), 0), "Nesting limit");
  }

  @Test
  void refusesBrokenEntries() {
    assertEntriesRefused(
        entry("a", "F32", "[1]", 0, 4) + "," + entry("a", "F32", "[1]", 4, 8), "a appears twice");
    assertEntriesRefused(entry("a", "F32", "[1]", 4, 0), "a: data_offsets [4, 0] are no range");
    assertEntriesRefused(entry("a", "F32", "[3]", 0, 12), "a: data_offsets [0, 12] are no range");
    assertEntriesRefused(entry("a", "F32", "[1]", 0, 8), "a: expected 4 bytes");
    assertEntriesRefused(entry("a", "I64", "[2]", 0, 8), "a: expected 16 bytes");
    assertEntriesRefused(entry("a", "F32", "[4294967296,4294967296]", 0, 0), "overflows");
    assertEntriesRefused(entry("a", "F32", "[-1]", 0, 4), "a: shape: expected a whole number");
    assertEntriesRefused(entry("a", "F32", "[1.0]", 0, 4), "a: shape: expected a whole number");
    assertEntriesRefused(entry("a", "F32", "[1e0]", 0, 4), "a: shape: expected a whole number");
    assertEntriesRefused(entry("a", "F32", "[\"1\"]", 0, 4), "a: shape: expected NUMBER");
    assertEntriesRefused(entry("a", "F32", "{}", 0, 4), "a: shape: expected BEGIN_ARRAY");
    assertEntriesRefused(entry("a", "F32", "[99999999999999999999]", 0, 4), "a: shape");
    assertEntriesRefused("\"a\":{\"dtype\":\"F32\",\"shape\":[1]}", "data_offsets is missing");
    assertEntriesRefused("\"a\":{\"dtype\":7}", "a: dtype: expected STRING");
    assertEntriesRefused("\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}", "dtype appears twice");
    assertEntriesRefused("\"a\":[]", "a: its description: expected BEGIN_OBJECT");
    assertEntriesRefused("\"__metadata__\":{\"a\":1}", "__metadata__: a: expected STRING");
    assertEntriesRefused(
        entry("a", "F32", "[1]", 0, 4) + "," + entry("b", "F32", "[1]", 2, 6), "a and b overlap");
    assertEntriesRefused(
        entry("a", "F32", "[1]", 4, 8), "8 bytes of data, but the header describes 4");
  }

  @Test
  void saysWhatAFolderLacks() throws IOException {
    assertOpenRefused("neither model.safetensors nor " + INDEX);
    write("pytorch_model.bin", "");
    assertOpenRefused("PyTorch pickles");
    write("model.safetensors", "");
    assertOpenRefused("the file is empty");
    write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    assertOpenRefused("git lfs pull");
    Files.delete(folder.resolve("model.safetensors"));
    Files.createDirectory(folder.resolve("model.safetensors"));
    assertOpenRefused("not a regular file");
    Files.delete(folder.resolve("config.json"));
    assertOpenRefused("a folder without config.json");
  }

  @Test
  void closesTwiceAndRefusesUseAfterwards() {
    writeShard("model.safetensors", "x", "y");
    HuggingFaceFolder file = open();
    Tensor tensor = file.tensor("x");
    file.close();
    file.close();
    assertThrows(IllegalStateException.class, () -> TestFiles.row(tensor, 0));
  }

  private void assertIndexRefused(String weightMap, String expected) {
    write(INDEX, "{\"weight_map\": " + weightMap + "}");
    assertOpenRefused(expected);
  }

  private void assertEntriesRefused(String entries, String expected) {
    assertRefused(SafetensorsBytes.of("{" + entries + "}", 8), expected);
  }

  private void assertRefused(byte[] file, String expected) {
    write("model.safetensors", file);
    assertOpenRefused(expected);
    assertTrue(mapped.stream().allMatch(NativeMemory::isClosed));
  }

  private void assertOpenRefused(String expected) {
    String message =
        String.valueOf(assertThrows(ModelFormatException.class, this::open).getMessage());
    assertTrue(message.contains("tiny-model"), message);
    assertTrue(message.contains(expected), message);
  }

  private static void assertRefused(HuggingFaceFolder file, String tensor, String expected) {
    String message =
        String.valueOf(
            assertThrows(ModelFormatException.class, () -> file.tensor(tensor)).getMessage());
    assertTrue(message.startsWith("tiny-model: tensor " + tensor), message);
    assertTrue(message.contains(expected), message);
  }

  private HuggingFaceFolder open() {
    return HuggingFaceFolder.open(
        folder,
        path -> {
          NativeMemory memory = TestFiles.map(path);
          mapped.add(memory);
          return memory;
        });
  }

  private void single(String header, int dataBytes) {
    write("model.safetensors", SafetensorsBytes.of(header, dataBytes));
  }

  private void writeShard(String name, String first, String second) {
    String header =
        "{" + entry(first, "F32", "[1]", 0, 4) + "," + entry(second, "F16", "[2,1]", 4, 8) + "}";
    write(name, SafetensorsBytes.of(header, 8));
  }

  private void write(String name, String text) {
    write(name, text.getBytes(StandardCharsets.UTF_8));
  }

  private void write(String name, byte[] bytes) {
    try {
      Files.write(folder.resolve(name), bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
