package org.coreinfer.synthesis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.DecoderState;
import org.coreinfer.weights.Quantization;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SyntheticModelTest {
  private final Path file;

  SyntheticModelTest(@TempDir Path folder) {
    this.file = folder.resolve("model.gguf");
  }

  private static ModelShape small(ModelShape.Kind kind) {
    return new ModelShape("small", kind, 1000, 2, 64, 160, 4, 4, 128);
  }

  private void write(ModelShape shape, Quantization quantization, long seed) {
    SyntheticModel.write(shape, quantization, seed, file, (written, total) -> {});
  }

  private Model load() {
    return Model.builder(file).device(ComputeDevice.CPU).threads(1).load();
  }

  @ParameterizedTest
  @EnumSource(ModelShape.Kind.class)
  void theModelHasTheShapeAndAnswers(ModelShape.Kind kind) {
    ModelShape shape = small(kind);
    write(shape, Quantization.Q4_0, 1);
    try (Model model = load();
        Session session = model.newSession(CoreOptions.stability(0.4))) {
      assertEquals(shape.vocabulary(), model.config().vocabulary());
      assertEquals(shape.vocabulary(), model.tokenizer().vocabularySize());
      assertEquals(shape.layers(), model.config().layers());
      assertEquals(shape.neurons(), model.config().neurons());
      assertEquals(shape.activation(), model.config().activation());
      assertEquals(shape.context(), model.config().contextLength());
      assertEquals(
          6,
          session
              .generate(GenerationRequest.of("hello").maxTokens(6).ignoreEos(true).build())
              .tokens()
              .size());
    }
  }

  @ParameterizedTest
  @EnumSource(ModelShape.Kind.class)
  void itsTokenizerGivesEachTextBack(ModelShape.Kind kind) {
    write(small(kind), Quantization.F16, 1);
    String text = "so many words, \u00e9t\u00e9 \u4f60 and\n 2 lines";
    try (Model model = load()) {
      int[] ids = model.tokenizer().encode(text, false, true);
      assertEquals(text, model.tokenizer().decode(ids).strip());
      assertTrue(ids.length < text.length(), "words of several letters are tokens");
    }
  }

  @ParameterizedTest
  @EnumSource(ModelShape.Kind.class)
  void logitsAreFiniteAndDependOnTheToken(ModelShape.Kind kind) {
    write(small(kind), Quantization.Q8_0, 1);
    try (Model model = load()) {
      float[] one = logitsAfter(model, 300);
      float[] other = logitsAfter(model, 301);
      double norm = 0;
      for (float logit : one) {
        assertTrue(Float.isFinite(logit));
        norm += (double) logit * logit;
      }
      double deviation = Math.sqrt(norm / one.length);
      assertTrue(deviation > 0.05 && deviation < 50, "logits deviate by " + deviation);
      assertFalse(Arrays.equals(one, other));
    }
  }

  private static float[] logitsAfter(Model model, int token) {
    try (DecoderState state = model.decoder().newState(8, 8, model.cacheDtype())) {
      FloatBuffer logits =
          model
              .decoder()
              .prefill(state, new int[] {token}, 8, ActivationListener.NONE, null, fraction -> {})
              .read();
      float[] values = new float[logits.remaining()];
      logits.get(values);
      return values;
    }
  }

  @Test
  void oneSeedIsOneFile() throws IOException {
    write(small(ModelShape.Kind.LLAMA_2), Quantization.Q4_0, 7);
    byte[] first = Files.readAllBytes(file);
    write(small(ModelShape.Kind.LLAMA_2), Quantization.Q4_0, 7);
    assertArrayEquals(first, Files.readAllBytes(file));
    write(small(ModelShape.Kind.LLAMA_2), Quantization.Q4_0, 8);
    assertFalse(Arrays.equals(first, Files.readAllBytes(file)));
  }

  @Test
  void numbersAreNormallyDistributed() {
    float[] values = new RandomNumbers(3).take(1, 2, 200_000);
    double mean = 0;
    double square = 0;
    long within = 0;
    for (float value : values) {
      mean += value;
      square += (value - 1) * (value - 1);
      within += Math.abs(value - 1) < 2 ? 1 : 0;
    }
    assertEquals(1, mean / values.length, 0.02);
    assertEquals(2, Math.sqrt(square / values.length), 0.02);
    assertEquals(0.683, (double) within / values.length, 0.02);
  }

  @Test
  void rowsDiffer() {
    float[] first = new float[64];
    float[] second = new float[64];
    RandomNumbers.ofRow(1, "a", 0).fill(0, 1, first);
    RandomNumbers.ofRow(1, "a", 1).fill(0, 1, second);
    assertFalse(Arrays.equals(first, second));
    RandomNumbers.ofRow(1, "b", 0).fill(0, 1, second);
    assertFalse(Arrays.equals(first, second));
    assertNotEquals(RandomNumbers.tokens(1000, 2)[0], RandomNumbers.tokens(1000, 2)[1]);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-2-7b", "llama-3.1-8b", "tinyllama-1.1b", "opt-1.3b", "opt-6.7b"})
  void theUsualShapesAreKnown(String name) {
    assertEquals(name, ModelShape.of(name).name());
    assertEquals(3, ModelShape.of(name).withLayers(3).layers());
    assertEquals(ModelShape.of(name), ModelShape.of(name).withLayers(0));
  }

  @ParameterizedTest
  @CsvSource({
    "vocab=100, 100, 2, 4, 2",
    "layers=0, 1000, 0, 4, 2",
    "heads=3, 1000, 2, 3, 1",
    "kv-heads=3, 1000, 2, 4, 3",
    "heads=64, 1000, 2, 64, 2"
  })
  void impossibleSizesAreRefusedByName(
      String wrong, int vocabulary, int layers, int heads, int kvHeads) {
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new ModelShape(
                    "x",
                    ModelShape.Kind.LLAMA_2,
                    vocabulary,
                    layers,
                    64,
                    160,
                    heads,
                    kvHeads,
                    128));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith(wrong + ": expected "), message);
  }
}
