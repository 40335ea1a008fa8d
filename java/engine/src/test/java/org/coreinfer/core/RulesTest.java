package org.coreinfer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.tensor.HalfFloat;
import org.coreinfer.tensor.NativeMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rules against a plain Python transcription of their definitions, on activations of real
 * models.
 */
class RulesTest {

  static Stream<Arguments> modelsAndBackends() {
    return Stream.of("opt-tiny-relu", "relu-llama-656k", "tinystories-656k")
        .flatMap(
            model ->
                Stream.of(TestBackend.CPU, TestBackend.SIMULATED_CUDA, TestBackend.CUDA)
                    .map(backend -> Arguments.of(model, backend)));
  }

  @ParameterizedTest
  @MethodSource("modelsAndBackends")
  void picksExactlyTheNeuronsOfTheDefinition(String model, TestBackend where) throws IOException {
    Path folder = TestData.file("core/" + model);
    JsonObject golden = TestData.json(folder.resolve("core.json"));
    int[] shape = TestData.ints(golden.getAsJsonObject("activations").getAsJsonArray("shape"));
    int[] layers = TestData.ints(golden.getAsJsonArray("layers"));
    ShortBuffer halves =
        ByteBuffer.wrap(Files.readAllBytes(folder.resolve("activations.f16")))
            .order(ByteOrder.LITTLE_ENDIAN)
            .asShortBuffer();
    try (Backend backend = where.open()) {
      for (JsonElement element : golden.getAsJsonArray("cases")) {
        JsonObject wanted = element.getAsJsonObject();
        int row = layers[0] == wanted.get("layer").getAsInt() ? 0 : 1;
        check(backend, wanted, halves, row * shape[1] * shape[2], shape[2]);
      }
    }
  }

  private static void check(
      Backend backend, JsonObject wanted, ShortBuffer halves, int start, int neurons) {
    Rule rule = Rules.of(wanted.get("rule").getAsString(), wanted.get("alpha").getAsDouble());
    int tokens = wanted.get("tokens").getAsInt();
    try (NativeMemory activations = backend.allocateFloats("activations", (long) tokens * neurons);
        NativeMemory scores = backend.allocateFloats("scores", neurons)) {
      float[] values = new float[tokens * neurons];
      for (int i = 0; i < values.length; i++) {
        values[i] = HalfFloat.toFloat(halves.get(start + i));
      }
      backend.upload(values, activations);
      rule.score(backend, activations, tokens, neurons, scores);
      float[] counts = backend.downloadFloats(scores, neurons);
      int[] expectedCounts = TestData.ints(wanted.getAsJsonArray("counts"));
      for (int n = 0; n < neurons; n++) {
        assertEquals(expectedCounts[n], counts[n], wanted.get("rule") + " count of " + n);
      }
      for (JsonElement element : wanted.getAsJsonArray("core")) {
        JsonObject core = element.getAsJsonObject();
        int count = rule.count(core.get("keep").getAsDouble(), neurons);
        assertArrayEquals(
            TestData.ints(core.getAsJsonArray("neurons")),
            highest(backend, counts, count, rule.choosesOnlySeen()),
            () -> rule + " keep=" + core.get("keep"));
      }
    }
  }

  private static int[] highest(Backend backend, float[] scores, int count, boolean onlySeen) {
    int neurons = scores.length;
    try (NativeMemory memory = backend.allocateFloats("scores", neurons);
        NativeMemory ids = backend.allocateInts("ids", neurons);
        NativeMemory core = backend.allocateInts("core", 1)) {
      backend.upload(scores, memory);
      backend.scoreSelect(memory, null, neurons, count, onlySeen, ids, core);
      return backend.downloadInts(ids, backend.downloadInts(core, 1)[0]);
    }
  }

  @Test
  void refusesUnknownRulesAndShares() {
    assertThrows(IllegalArgumentException.class, () -> Rules.of("best", 0.4));
    for (double alpha : new double[] {0, -1, 1.5, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> Rules.of("paper", alpha));
    }
    assertThrows(IllegalArgumentException.class, () -> CoreOptions.stability(0));
    assertThrows(IllegalArgumentException.class, () -> CoreOptions.LayerRange.parse("5..2"));
    assertEquals(new CoreOptions.LayerRange(2, 5), CoreOptions.LayerRange.parse("2..5"));
  }
}
