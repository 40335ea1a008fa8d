package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Logits of a tiny random model of each family against Hugging Face Transformers in F32. */
class FamilyTest {
  // Largest allowed difference, relative to the largest logit.
  private static final double F32_CACHE = 1e-4;
  private static final double F16_CACHE = 1e-2;
  private static final double F16_PRODUCTS = 5e-3;

  static List<Arguments> familiesAndBackends() throws IOException {
    try (Stream<Path> folders = Files.list(TestData.file("families"))) {
      return folders
          .sorted()
          .flatMap(
              folder ->
                  Arrays.stream(TestBackend.values())
                      .map(backend -> Arguments.of(folder.getFileName().toString(), backend)))
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void prefillAndDecodeGiveTransformersLogits(String family, TestBackend backend) {
    check(family, backend::open, 64, DType.F32, bound(family, backend));
    check(family, backend::open, 64, DType.F16, F16_CACHE);
  }

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void chunksOfThePromptGiveTheSameLogits(String family, TestBackend backend) {
    check(family, backend::open, 7, DType.F32, bound(family, backend));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void anyNumberOfThreadsGivesTheSameLogits(int threads) {
    for (String family : List.of("llama-silu", "opt-f16", "qwen3")) {
      check(family, () -> Host.cpu(threads), 64, DType.F32, F32_CACHE);
    }
  }

  /** A library's products take activations of small weights as F16. */
  private static double bound(String family, TestBackend backend) {
    JsonObject golden = TestData.json(folder(family).resolve("golden.json"));
    boolean isRounded =
        backend.roundsProducts() && !golden.get("dtype").getAsString().equals("F32");
    return isRounded ? F16_PRODUCTS : F32_CACHE;
  }

  private static Path folder(String family) {
    return TestData.file("families/" + family);
  }

  private static void check(
      String family, Supplier<Backend> open, int chunk, DType cache, double tolerance) {
    Path folder = folder(family);
    JsonObject golden = TestData.json(folder.resolve("golden.json"));
    int[] prompt = TestData.ints(golden.getAsJsonArray("prompt"));
    int[] decode = TestData.ints(golden.getAsJsonArray("decode"));
    FloatBuffer expected = TestData.floats(folder.resolve("logits.f32"));
    int vocabulary = golden.get("vocabulary").getAsInt();
    double bound = tolerance * golden.get("logits_max_abs").getAsDouble();
    try (WeightFile file = WeightFile.open(folder, Host::map);
        Backend backend = open.get()) {
      ModelLoader loader = new ModelLoader(file, Families.of(file));
      assertEquals(vocabulary, loader.config().vocabulary());
      try (Decoder decoder = loader.load(backend, 64, fraction -> {});
          DecoderState state = decoder.newState(64, chunk, cache)) {
        decoder.prefill(
            state,
            prompt,
            chunk,
            ActivationListener.NONE,
            (token, logits) -> compare(folder, token, expected, logits, bound),
            fraction -> {});
        for (int i = 0; i < decode.length; i++) {
          FloatBuffer logits = decoder.decode(state, decode[i], decoder.allNeurons()).read();
          compare(folder, prompt.length + i, expected, logits, bound);
        }
      }
    }
  }

  private static void compare(
      Path folder, int row, FloatBuffer expected, FloatBuffer logits, double bound) {
    int vocabulary = logits.limit();
    double largest =
        IntStream.range(0, vocabulary)
            .mapToDouble(i -> Math.abs(logits.get(i) - expected.get(row * vocabulary + i)))
            .max()
            .orElseThrow();
    assertTrue(
        largest <= bound,
        () -> "%s: row %d differs by %.2e, allowed %.2e".formatted(folder, row, largest, bound));
  }
}
