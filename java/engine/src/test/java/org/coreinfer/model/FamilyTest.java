package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
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

  private static final List<String> FAMILIES = TestData.families();

  static List<Arguments> familiesAndBackends() {
    return FAMILIES.stream()
        .flatMap(
            family ->
                Arrays.stream(TestBackend.values()).map(backend -> Arguments.of(family, backend)))
        .toList();
  }

  /** How a prompt is read: by how many tokens at a time, and what its keys and values are. */
  private record Reading(int chunk, DType cache) {}

  private static final Reading WHOLE = new Reading(64, DType.F32);
  private static final Reading SMALL_CACHE = new Reading(64, DType.F16);
  private static final Reading PIECES = new Reading(7, DType.F32);
  private static final Reading PIECES_SMALL_CACHE = new Reading(7, DType.F16);

  /** For backends that are slow; what is two places apart has nothing in common. */
  private static final List<Reading> TURNS =
      List.of(WHOLE, SMALL_CACHE, PIECES_SMALL_CACHE, PIECES);

  /** So many tokens are decoded at most where that is slow. */
  private static final int FEW = 6;

  @ParameterizedTest
  @MethodSource("familiesAndBackends")
  void prefillAndDecodeGiveTransformersLogits(String family, TestBackend backend) {
    List<Reading> readings = List.of(WHOLE, SMALL_CACHE, PIECES);
    int decoded = Integer.MAX_VALUE;
    if (backend.isSimulated()) { // slow: one reading, and the other backend has its opposite
      int turn = FAMILIES.indexOf(family) + (backend == TestBackend.SIMULATED_CUDA ? 0 : 2);
      readings = List.of(TURNS.get(turn % TURNS.size()));
      decoded = FEW;
    }
    check(family, backend::open, readings, decoded, bound(family, backend));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void anyNumberOfThreadsGivesTheSameLogits(int threads) {
    for (String family : List.of("llama-silu", "opt-f16", "qwen3")) {
      check(family, () -> Host.cpu(threads), List.of(WHOLE), Integer.MAX_VALUE, F32_CACHE);
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
      String family,
      Supplier<Backend> open,
      List<Reading> readings,
      int mostDecoded,
      double tolerance) {
    Path folder = folder(family);
    JsonObject golden = TestData.json(folder.resolve("golden.json"));
    int[] prompt = TestData.ints(golden.getAsJsonArray("prompt"));
    int[] all = TestData.ints(golden.getAsJsonArray("decode"));
    int[] decode = Arrays.copyOf(all, Math.min(all.length, mostDecoded));
    FloatBuffer expected = TestData.floats(folder.resolve("logits.f32"));
    int vocabulary = golden.get("vocabulary").getAsInt();
    double largest = golden.get("logits_max_abs").getAsDouble();
    try (WeightFile file = WeightFile.open(folder, Host::map);
        Backend backend = open.get()) {
      ModelLoader loader = new ModelLoader(file, Families.of(file));
      assertEquals(vocabulary, loader.config().vocabulary());
      try (Decoder decoder = loader.load(backend, 64, fraction -> {})) {
        for (Reading reading : readings) {
          double bound = largest * (reading.cache == DType.F16 ? F16_CACHE : tolerance);
          RowCheck check = (row, logits) -> compare(folder, row, expected, logits, bound);
          read(decoder, reading, prompt, decode, check);
        }
      }
    }
  }

  private interface RowCheck {
    void check(int row, FloatBuffer logits);
  }

  private static void read(
      Decoder decoder, Reading reading, int[] prompt, int[] decode, RowCheck rows) {
    int chunk = reading.chunk;
    try (DecoderState state = decoder.newState(64, chunk, reading.cache)) {
      decoder.prefill(state, prompt, chunk, ActivationListener.NONE, rows::check, fraction -> {});
      for (int i = 0; i < decode.length; i++) {
        rows.check(
            prompt.length + i, decoder.decode(state, decode[i], decoder.allNeurons()).read());
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
