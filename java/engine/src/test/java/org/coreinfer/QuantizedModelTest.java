package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.cuda.SimulatedCuda;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.BackendUnavailableException;
import org.coreinfer.evaluation.Documents;
import org.coreinfer.evaluation.Evaluation;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.GgufQuantization;
import org.coreinfer.weights.Quantization;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trained models, quantised. */
class QuantizedModelTest {
  private static final Path EMBEDDED = TestData.file("embedded/embedded.gguf");

  /** Of a text. */
  private static final int MOST_TOKENS = 64;

  private static double originalPerplexity;

  private final Path folder;

  QuantizedModelTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private Path quantized(Path source, Quantization quantization) {
    Path file = folder.resolve(quantization + ".gguf");
    try (GgufFile weights = GgufFile.open(source, Host::map)) {
      new GgufQuantization(weights, quantization).write(file, (written, total) -> {});
    }
    return file;
  }

  @BeforeAll
  static void measuresTheOriginal() {
    originalPerplexity = perplexity(EMBEDDED);
  }

  /** The down projections have rows of 768 elements, the other matrices 192. */
  @ParameterizedTest
  @CsvSource({
    "BF16, 1.01",
    "Q8_0, 1.01",
    "Q6_K, 1.01",
    "Q5_K_M, 1.03",
    "Q5_K, 1.03",
    "Q5_1, 1.03",
    "Q5_0, 1.04",
    "Q4_K_M, 1.04",
    "Q4_K, 1.05",
    "Q4_1, 1.09",
    "Q4_0, 1.13"
  })
  void theEmbeddedModelStaysAsGoodAsTheDtypeAllows(Quantization quantization, double most) {
    double perplexity = perplexity(quantized(EMBEDDED, quantization));
    String change = quantization + ": " + perplexity + " after " + originalPerplexity;
    assertTrue(perplexity < originalPerplexity * most, change);
    assertTrue(perplexity > originalPerplexity * 0.98, change);
  }

  private static double perplexity(Path path) {
    List<String> texts = Documents.read(TestData.file("embedded/heldout/stories.txt"), 4);
    CoreOptions every = CoreOptions.stability(1);
    try (Model model = Model.builder(path).device(ComputeDevice.CPU).load()) {
      Evaluator evaluator = new Evaluator(model.decoder(), List.of(every), model.cacheDtype());
      for (String text : texts) {
        int[] all = model.tokenizer().encode(text, true, false);
        int[] ids = Arrays.copyOf(all, Math.min(all.length, MOST_TOKENS));
        evaluator.add(ids, Evaluator.promptTokens(ids.length, 0.5), fraction -> {});
      }
      Evaluation result = evaluator.result();
      assertEquals(0, result.cores().get(0).kl().value(), "every neuron kept is dense decoding");
      return result.dense().perplexity().value();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tinystories-656k-f16.gguf, Q6_K, 0.8",
    "tinystories-656k-f16.gguf, Q5_K_M, 0.5",
    "stories260K-f32.gguf, Q8_0, 0.8",
    "stories260K-f32.gguf, Q5_1, 0.5"
  })
  void greedyTextBeginsAsTheOriginals(String name, Quantization quantization, double share) {
    Path original = TestData.shared("models/gguf/" + name);
    Path file = quantized(original, quantization);
    List<Integer> expected = new ArrayList<>();
    List<Integer> found = new ArrayList<>();
    for (String prompt : List.of("Once upon a time", "The dog", "One day, Lily", "She was happy")) {
      expected.addAll(answer(original, prompt));
      found.addAll(answer(file, prompt));
    }
    int same = 0;
    for (int i = 0; i < expected.size(); i++) {
      same += expected.get(i).equals(found.get(i)) ? 1 : 0;
    }
    assertTrue(same >= share * expected.size(), same + " of " + expected.size() + " tokens");
  }

  private static List<Integer> answer(Path path, String prompt) {
    try (Model model = Model.builder(path).device(ComputeDevice.CPU).load();
        Session session = model.newSession(CoreOptions.dense())) {
      return session
          .generate(GenerationRequest.of(prompt).maxTokens(10).ignoreEos(true).build())
          .tokens();
    }
  }

  @Test
  void saysBeforeLoadingThatTheGpuDoesNotComputeADtype() {
    SimulatedCuda cuda = SimulatedCuda.plain();
    Path file = RandomModel.writeWide(folder, Quantization.Q4_K_M);
    Model.Builder builder = Model.builder(file).device(ComputeDevice.CUDA).cuda(cuda::open);
    String sentence =
        String.valueOf(
            assertThrows(BackendUnavailableException.class, () -> builder.load().close())
                .getMessage());
    assertTrue(sentence.contains("which the CUDA backend does not compute"), sentence);
    assertTrue(sentence.contains("--backend cpu"), sentence);
    assertEquals(0, cuda.uploadedBytes());
    assertThrows(
        BackendUnavailableException.class,
        () -> Model.builder(file).gpuMemory(1L << 30).summarize());
  }

  @Test
  void whereNoDeviceWasAskedForTheCpuTakesIt() {
    SimulatedCuda cuda = SimulatedCuda.plain();
    Path file = RandomModel.writeWide(folder, Quantization.Q5_K);
    List<String> reasons = new ArrayList<>();
    try (Model model = Model.builder(file).cuda(cuda::open).onCpuFallback(reasons::add).load()) {
      assertEquals("cpu", model.backendName());
    }
    assertEquals(1, reasons.size());
    assertTrue(reasons.get(0).contains("Q5_K"), reasons.get(0));
  }
}
