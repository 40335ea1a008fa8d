package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.NeuronSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelSummaryTest {
  private static final String[] TEXTS = {"Once upon a time", "caf\u00e9  \n\t<s>", ""};

  @ParameterizedTest
  @ValueSource(
      strings = {
        "opt-tiny-relu",
        "relu-llama-656k",
        "stories260k-hf",
        "tinystories-656k",
        "gguf/stories260K-f32.gguf",
        "gguf/tinystories-656k-f16.gguf",
        "gguf/tinystories-656k-q8_0.gguf"
      })
  void saysOfAFileWhatTheLoadedModelSays(String name) {
    Path path = TestData.shared("models/" + name);
    ModelSummary summary = Model.builder(path).summarize();
    try (Model model = Model.load(path);
        Session session = model.newSession(CoreOptions.stability(0.3))) {
      assertEquals(model.config(), summary.config());
      assertEquals(model.cacheDtype(), summary.cacheDtype());
      assertEquals(model.memoryPlan().needed(), summary.memoryPlan().needed());
      assertEquals(
          model.decoder().bytesPerToken(model.decoder().allNeurons()),
          summary.bytesPerToken(CoreOptions.dense()));
      session.generate("Once upon a time");
      NeuronSet core = session.neurons();
      assertEquals(
          model.decoder().bytesPerToken(core), summary.bytesPerToken(CoreOptions.stability(0.3)));
      for (String text : TEXTS) {
        assertArrayEquals(
            model.tokenizer().encode(text, true, false),
            Model.builder(path).readTokenizer().encode(text, true, false));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"opt-tiny-relu"})
  void refusesALongerContextThanTheModels(String name) {
    Path path = TestData.shared("models/" + name);
    assertThrows(
        IllegalArgumentException.class,
        () -> Model.builder(path).contextLength(100_000).summarize());
  }
}
