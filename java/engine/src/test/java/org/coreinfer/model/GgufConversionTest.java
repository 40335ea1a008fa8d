package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.model.family.Families;
import org.coreinfer.model.family.GgufConversion;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Quantization;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A converted model computes what its folder does. */
class GgufConversionTest {
  private static final int[] TOKENS = {5, 9, 17, 3, 40, 22, 8, 8, 1, 60, 33, 2};

  private static final String TOKENIZER =
      "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}";

  @TempDir Path temporary;

  static List<Path> families() throws IOException {
    try (Stream<Path> folders = Files.list(TestData.file("families"))) {
      return folders.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void aConvertedModelHasTheSameLogits(Path family) throws IOException {
    Path folder = copyWithTokenizer(family);
    Path gguf = temporary.resolve("model.gguf");
    try (HuggingFaceFolder source = HuggingFaceFolder.open(folder, Host::map)) {
      new GgufConversion(source, Quantization.F32).write(gguf, (written, total) -> {});
    }
    float[] expected = logits(folder);
    float[] actual = logits(gguf);
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], 2e-5, family + " logit " + i);
    }
  }

  private Path copyWithTokenizer(Path family) throws IOException {
    Path folder = Files.createDirectory(temporary.resolve("folder"));
    try (Stream<Path> files = Files.list(family)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER);
    return folder;
  }

  private static float[] logits(Path path) {
    try (WeightFile file = WeightFile.open(path, Host::map);
        Backend backend = Host.cpu(1)) {
      ModelLoader loader = new ModelLoader(file, Families.of(file));
      try (Decoder decoder = loader.load(backend, 32, fraction -> {});
          DecoderState state = decoder.newState(32, 32, DType.F32)) {
        FloatBuffer last =
            decoder
                .prefill(state, TOKENS, 32, ActivationListener.NONE, null, fraction -> {})
                .read();
        float[] copy = new float[last.limit()];
        last.get(copy);
        return copy;
      }
    }
  }
}
