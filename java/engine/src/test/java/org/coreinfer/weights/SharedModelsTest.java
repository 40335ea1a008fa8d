package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowCodec;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real, trained models; the same model in two formats must hold the same numbers. */
class SharedModelsTest {
  private static final int HEAD_DIM = 16; // of tinystories-656k

  @Test
  void readsTheSameTensorsFromBothFormats() {
    try (WeightFile gguf = open("models/gguf/tinystories-656k-f32.gguf");
        WeightFile folder = open("models/tinystories-656k")) {
      assertEquals("llama", gguf.architecture());
      assertEquals("llama", folder.architecture());
      assertEquals(20, folder.tensors().size());
      Map<String, String> twins = twins(folder.tensors().keySet());
      assertEquals(Set.copyOf(twins.values()), gguf.tensors().keySet());
      twins.forEach((name, twin) -> assertSame(folder.tensor(name), gguf.tensor(twin), 0));
    }
  }

  @ParameterizedTest
  @CsvSource({"f16, F16", "q8_0, Q8_0"})
  void readsSmallerFormatsWithinTheirError(String suffix, DType dtype) {
    try (WeightFile gguf = open("models/gguf/tinystories-656k-" + suffix + ".gguf");
        WeightFile folder = open("models/tinystories-656k")) {
      assertEquals(dtype, gguf.tensor("blk.0.ffn_up.weight").dtype());
      twins(folder.tensors().keySet())
          .forEach((name, twin) -> assertSame(folder.tensor(name), gguf.tensor(twin), 0.005));
    }
  }

  @Test
  void quantisesToTheBytesThatAnotherWriterChose() {
    try (WeightFile floats = open("models/gguf/tinystories-656k-f32.gguf");
        WeightFile quantised = open("models/gguf/tinystories-656k-q8_0.gguf")) {
      int compared = 0;
      for (Tensor tensor : quantised.tensors().values()) {
        if (tensor.dtype() == DType.Q8_0) {
          assertEquals(bytes(tensor), requantised(floats.tensor(tensor.name())), tensor.name());
          compared++;
        }
      }
      assertEquals(15, compared);
    }
  }

  @Test
  void readsTheMetadataOfARealFile() {
    try (GgufFile file = (GgufFile) open("models/gguf/stories260K-f32.gguf")) {
      Metadata metadata = file.metadata();
      assertEquals(25, metadata.values().size());
      assertEquals(5, metadata.integer("llama.block_count"));
      assertEquals(1e-5, metadata.number("llama.attention.layer_norm_rms_epsilon"), 1e-12);
      assertEquals(512, metadata.strings("tokenizer.ggml.tokens").size());
      assertEquals(512, metadata.numbers("tokenizer.ggml.scores").length);
      assertEquals(512, metadata.integers("tokenizer.ggml.token_type").length);
      assertEquals(47, file.tensors().size());
      assertTrue(file.unsupported().isEmpty());
    }
  }

  @Test
  void exposesTheTiedEmbeddingsNameInTheSafetensorsMetadata() {
    try (HuggingFaceFolder folder = (HuggingFaceFolder) open("models/tinystories-656k")) {
      assertEquals("lm_head.weight", folder.metadata().get("model.embed_tokens.weight"));
      assertTrue(folder.find("model.embed_tokens.weight").isEmpty());
      assertEquals(2048, folder.tensor("lm_head.weight").rows());
      assertFalse(folder.config().object("rope_scaling").isPresent());
    }
  }

  @Test
  void readsBiasesAsVectors() {
    try (WeightFile folder = open("models/opt-tiny-relu")) {
      assertEquals("opt", folder.architecture());
      assertEquals(52, folder.tensors().size());
      Tensor bias = folder.tensor("model.decoder.layers.0.fc1.bias");
      assertTrue(bias.isVector());
      assertEquals(512, bias.columns());
      Tensor positions = folder.tensor("model.decoder.embed_positions.weight");
      assertEquals(514, positions.rows());
      assertEquals(128, positions.columns());
    }
  }

  @Test
  void readsVocabulariesThatHaveNoTensors() throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.list(TestFiles.shared("data/vectors/llama.cpp"))) {
      files = found.filter(path -> path.toString().endsWith(".gguf")).sorted().toList();
    }
    for (Path path : files) {
      try (GgufFile file = GgufFile.open(path, TestFiles::map)) {
        assertTrue(file.metadata().strings("tokenizer.ggml.tokens").size() > 30_000, file.name());
        assertTrue(file.tensors().isEmpty());
      }
    }
    assertFalse(files.isEmpty());
  }

  @Test
  void writesARealModelBackUnchanged(@TempDir Path folder) throws IOException {
    try (WeightFile source = open("models/gguf/tinystories-656k-f16.gguf")) {
      GgufWriter writer = new GgufWriter();
      writer.string("general.architecture", source.architecture());
      for (Tensor tensor : source.tensors().values()) {
        writer.tensor(
            tensor.name(), tensor.dtype(), tensor.rows(), tensor.columns(), RowSource.of(tensor));
      }
      Path copy = folder.resolve("copy.gguf");
      writer.write(copy, (written, total) -> {});
      try (WeightFile read = WeightFile.open(copy, TestFiles::map)) {
        assertEquals(source.tensors().keySet(), read.tensors().keySet());
        for (Tensor tensor : source.tensors().values()) {
          assertEquals(bytes(tensor), bytes(read.tensor(tensor.name())), tensor.name());
        }
      }
    }
  }

  private static WeightFile open(String path) {
    return WeightFile.open(TestFiles.shared(path), TestFiles::map);
  }

  /** GGUF's names of a Llama model's tensors by Hugging Face's. */
  private static Map<String, String> twins(Set<String> names) {
    return names.stream()
        .collect(
            Collectors.toMap(
                name -> name, SharedModelsTest::twin, (a, b) -> a, LinkedHashMap::new));
  }

  private static String twin(String name) {
    return name.replace("lm_head", "token_embd")
        .replace("model.norm", "output_norm")
        .replace("model.layers", "blk")
        .replace("input_layernorm", "attn_norm")
        .replace("post_attention_layernorm", "ffn_norm")
        .replaceAll("mlp\\.(\\w+)_proj", "ffn_$1")
        .replace("self_attn.o_proj", "attn_output")
        .replaceAll("self_attn\\.(\\w)_proj", "attn_$1");
  }

  /**
   * @param error relative to the largest value of the row
   */
  private static void assertSame(Tensor expected, Tensor found, double error) {
    assertEquals(expected.rows(), found.rows(), expected.name());
    assertEquals(expected.columns(), found.columns(), expected.name());
    boolean isPermuted = expected.name().matches(".*[qk]_proj\\.weight");
    for (int row = 0; row < expected.rows(); row++) {
      float[] values = TestFiles.row(expected, row);
      float tolerance = (float) (error * largest(values));
      float[] others = TestFiles.row(found, isPermuted ? interleaved(row) : row);
      if (tolerance == 0) {
        assertArrayEquals(values, others, expected.name());
      } else {
        assertArrayEquals(values, others, tolerance, expected.name());
      }
    }
  }

  /**
   * Where llama.cpp's converter puts a row of a query or key: the halves of a head become pairs.
   */
  private static int interleaved(int row) {
    int inHead = row % HEAD_DIM;
    int half = HEAD_DIM / 2;
    return row - inHead + 2 * (inHead % half) + inHead / half;
  }

  private static float largest(float[] values) {
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  private static ByteBuffer bytes(Tensor tensor) {
    return tensor.memory().buffer(0, (int) tensor.bytes());
  }

  private static ByteBuffer requantised(Tensor floats) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) DType.Q8_0.bytes(floats.elements()))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < floats.rows(); row++) {
      RowCodec.encode(DType.Q8_0, TestFiles.row(floats, row), bytes);
    }
    return bytes.flip();
  }
}
