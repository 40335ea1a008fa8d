package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowCodec;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GgufQuantizationTest {
  private final Path in;
  private final Path out;

  GgufQuantizationTest(@TempDir Path folder) {
    this.in = folder.resolve("in.gguf");
    this.out = folder.resolve("out.gguf");
  }

  private static RowSource random(int seed) {
    return (row, values) -> {
      Random random = new Random(seed * 1000L + row);
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
    };
  }

  /** A model of four layers in all the shapes that matter. */
  private void writeSource() {
    GgufWriter writer = new GgufWriter();
    writer.string("general.architecture", "llama");
    writer.integer("general.file_type", 1);
    writer.integer("general.alignment", 32);
    writer.number("llama.rope.freq_base", 0.1f);
    writer.flag("tokenizer.ggml.add_bos_token", true);
    writer.strings("tokenizer.ggml.tokens", List.of("", "grün", "\0"));
    writer.integers("tokenizer.ggml.token_type", new int[] {1, -1});
    writer.numbers("tokenizer.ggml.scores", new float[] {-0.25f});
    writer.tensor("token_embd.weight", DType.F16, 10, 256, random(1));
    writer.tensor("output.weight", DType.F16, 10, 256, random(2));
    writer.tensor("output_norm.weight", DType.F32, 1, 256, random(3));
    for (int layer = 0; layer < 4; layer++) {
      String prefix = "blk." + layer + ".";
      writer.tensor(prefix + "attn_norm.weight", DType.F16, 1, 256, random(4));
      writer.tensor(prefix + "attn_q.weight", DType.F16, 20, 256, random(5));
      writer.tensor(prefix + "attn_v.weight", DType.F16, 20, 256, random(6));
      writer.tensor(prefix + "ffn_up.weight", DType.F32, 512, 256, random(7));
      writer.tensor(prefix + "ffn_down.weight", DType.F16, 256, 512, random(8));
      writer.tensor(prefix + "odd.weight", DType.F16, 3, 96, random(9));
      writer.tensor(prefix + "odder.weight", DType.F16, 3, 33, random(10));
      writer.tensor(prefix + "attn_q.bias", DType.F32, 1, 20, random(11));
    }
    writer.write(in, (written, total) -> {});
  }

  private Map<String, DType> dtypes(Quantization quantization) {
    writeSource();
    try (GgufFile source = GgufFile.open(in, TestFiles::map)) {
      new GgufQuantization(source, quantization).write(out, (written, total) -> {});
    }
    Map<String, DType> dtypes = new TreeMap<>();
    try (GgufFile file = GgufFile.open(out, TestFiles::map)) {
      assertEquals(quantization.fileType(), file.metadata().integer("general.file_type"));
      assertEquals(2, file.metadata().integer("general.quantization_version"));
      file.tensors().forEach((name, tensor) -> dtypes.put(name, tensor.dtype()));
    }
    return dtypes;
  }

  @ParameterizedTest
  @EnumSource(Quantization.class)
  void matricesGetTheDtypeAndVectorsF32(Quantization quantization) {
    Map<String, DType> dtypes = dtypes(quantization);
    assertEquals(3 + 4 * 8, dtypes.size());
    assertEquals(quantization.dtype(), dtypes.get("token_embd.weight"));
    assertEquals(quantization.dtype(), dtypes.get("blk.3.attn_q.weight"));
    assertEquals(quantization.dtype(), dtypes.get("blk.3.ffn_up.weight"));
    for (String vector :
        List.of("output_norm.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.bias")) {
      assertEquals(DType.F32, dtypes.get(vector));
    }
    assertEquals(
        switch (quantization) {
          case Q4_K, Q4_K_M -> DType.Q5_0;
          case Q5_K, Q5_K_M -> DType.Q5_1;
          case Q6_K -> DType.Q8_0;
          default -> quantization.dtype();
        },
        dtypes.get("blk.0.odd.weight"));
    assertEquals(
        quantization.dtype().isPlain() ? quantization.dtype() : DType.F16,
        dtypes.get("blk.0.odder.weight"));
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_K_M", "Q5_K_M"})
  void mixesStoreWhatMattersInQ6K(Quantization quantization) {
    Map<String, DType> dtypes = dtypes(quantization);
    DType usual = quantization.dtype();
    assertEquals(DType.Q6_K, dtypes.get("output.weight"));
    assertEquals(usual, dtypes.get("blk.0.attn_v.weight"));
    assertEquals(usual, dtypes.get("blk.1.ffn_down.weight"));
    assertEquals(DType.Q6_K, dtypes.get("blk.2.ffn_down.weight"));
    assertEquals(DType.Q6_K, dtypes.get("blk.3.attn_v.weight"));
    // Of 32 layers: 0..3, 28..31, and 6, 9, ..., 27.
    long many =
        IntStream.range(0, 32)
            .filter(
                i ->
                    quantization.dtypeOf("blk." + i + ".ffn_down.weight", 9, 512, 32, false)
                        == DType.Q6_K)
            .count();
    assertEquals(16, many);
    assertEquals(DType.Q6_K, quantization.dtypeOf("token_embd.weight", 9, 256, 2, true));
    assertEquals(usual, quantization.dtypeOf("blk.99999999999.attn_v.weight", 9, 256, 2, true));
    assertEquals(DType.Q8_0, quantization.dtypeOf("token_embd.weight", 9, 96, 2, true));
  }

  @Test
  void keepsMetadataAndUnchangedTensorsByteForByte() throws IOException {
    writeSource();
    try (GgufFile source = GgufFile.open(in, TestFiles::map)) {
      new GgufQuantization(source, Quantization.F16).write(out, (written, total) -> {});
      try (GgufFile copy = GgufFile.open(out, TestFiles::map)) {
        Map<String, Object> before = new TreeMap<>(source.metadata().values());
        Map<String, Object> after = new TreeMap<>(copy.metadata().values());
        assertEquals(before.remove("general.alignment"), 32L);
        assertEquals(after.remove("general.quantization_version"), 2L);
        assertEquals(before.keySet(), after.keySet());
        for (String key : before.keySet()) {
          assertArrayEquals(new Object[] {before.get(key)}, new Object[] {after.get(key)}, key);
        }
        for (Tensor tensor : source.tensors().values()) {
          Tensor same = copy.tensor(tensor.name());
          assertEquals(tensor.isVector() ? DType.F32 : DType.F16, same.dtype());
          if (same.dtype() == tensor.dtype()) {
            assertEquals(bytes(tensor), bytes(same), tensor.name());
          }
        }
      }
    }
    // Once more gives the same file.
    byte[] first = Files.readAllBytes(out);
    try (GgufFile source = GgufFile.open(out, TestFiles::map)) {
      new GgufQuantization(source, Quantization.F16).write(in, (written, total) -> {});
    }
    assertArrayEquals(first, Files.readAllBytes(in));
  }

  private static ByteBuffer bytes(Tensor tensor) {
    return tensor.memory().buffer(0, (int) tensor.bytes());
  }

  @Test
  void rowsAreEncodedInOrderWhateverThreadTakesThem() {
    writeSource();
    try (GgufFile source = GgufFile.open(in, TestFiles::map)) {
      new GgufQuantization(source, Quantization.Q4_K).write(out, (written, total) -> {});
      try (GgufFile file = GgufFile.open(out, TestFiles::map)) {
        Tensor tensor = file.tensor("blk.2.ffn_up.weight");
        float[] row = new float[256];
        int rowBytes = (int) DType.Q4_K.bytes(256);
        for (int r = 0; r < tensor.rows(); r++) {
          random(7).read(r, row);
          ByteBuffer expected = ByteBuffer.allocate(rowBytes).order(ByteOrder.LITTLE_ENDIAN);
          RowCodec.encode(DType.Q4_K, row, expected);
          assertEquals(expected.flip(), tensor.memory().buffer((long) r * rowBytes, rowBytes));
        }
      }
    }
  }

  @Test
  void knowsWhatLosesTwice() {
    writeSource();
    try (GgufFile source = GgufFile.open(in, TestFiles::map)) {
      assertFalse(new GgufQuantization(source, Quantization.Q4_0).losesTwice());
      new GgufQuantization(source, Quantization.Q8_0).write(out, (written, total) -> {});
    }
    try (GgufFile source = GgufFile.open(out, TestFiles::map)) {
      assertTrue(new GgufQuantization(source, Quantization.Q4_0).losesTwice());
      assertFalse(new GgufQuantization(source, Quantization.Q8_0).losesTwice());
      assertEquals(
          Map.of(DType.F32, 9, DType.F16, 4, DType.Q8_0, 22),
          new GgufQuantization(source, Quantization.Q8_0).counts());
    }
  }

  @Test
  void refusesFilesWithTensorsThatItCannotRead() throws IOException {
    Files.write(in, GgufBytes.withTensors(1).tensor("experts", 0, 0, 2, 2, 2).data(32));
    try (GgufFile source = GgufFile.open(in, TestFiles::map)) {
      String sentence =
          String.valueOf(
              assertThrows(
                      ModelFormatException.class,
                      () -> new GgufQuantization(source, Quantization.Q8_0))
                  .getMessage());
      assertEquals("in.gguf: experts: its shape has 3 dimensions, expected 1 or 2", sentence);
    }
  }
}
