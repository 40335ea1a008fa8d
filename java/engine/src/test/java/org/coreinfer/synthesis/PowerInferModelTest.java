package org.coreinfer.synthesis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.backend.Activation;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Host;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.DecoderState;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.Quantization;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PowerInferModelTest {
  private static final ModelShape SHAPE =
      new ModelShape("small", ModelShape.Kind.LLAMA_2, 500, 2, 512, 1536, 8, 4, 128);
  private static final int TOKENS = 16;

  private final Path file;

  PowerInferModelTest(@TempDir Path folder) {
    this.file = folder.resolve("model.gguf");
  }

  private void write(Quantization quantization, double active) {
    PowerInferModel.write(SHAPE, quantization, 1, active, file, (written, total) -> {});
  }

  @ParameterizedTest
  @CsvSource({"F16, 0.1", "F16, 0.4", "Q4_0, 0.2", "Q4_0, 0.4"})
  void predictorsLetTheFractionThrough(Quantization quantization, double active) {
    write(quantization, active);
    try (GgufFile gguf = GgufFile.open(file, Host::map)) {
      double threshold = gguf.metadata().number("powerinfer.sparse_threshold", 0);
      Tensor embedding = gguf.tensor("token_embd.weight");
      float[] x = new float[SHAPE.dim()];
      int passed = 0;
      for (int token = 0; token < TOKENS; token++) {
        RowSource.of(embedding).read(300 + token, x);
        for (double said : predictor(gguf, x)) {
          passed += said >= threshold ? 1 : 0;
        }
      }
      assertEquals(active, (double) passed / TOKENS / SHAPE.neurons(), 0.02);
    }
  }

  private static double[] predictor(GgufFile gguf, float[] x) {
    double[] hidden = product(gguf.tensor("blk.0.fc1.weight"), x);
    float[] positive = new float[hidden.length];
    for (int i = 0; i < hidden.length; i++) {
      positive[i] = (float) Math.max(0, hidden[i]);
    }
    return product(gguf.tensor("blk.0.fc2.weight"), positive);
  }

  private static double[] product(Tensor matrix, float[] x) {
    double[] products = new double[matrix.rows()];
    float[] row = new float[matrix.columns()];
    for (int r = 0; r < products.length; r++) {
      RowSource.of(matrix).read(r, row);
      for (int i = 0; i < row.length; i++) {
        products[r] += (double) row[i] * x[i];
      }
    }
    return products;
  }

  @Test
  void nearlyEveryNeuronFiresInEachLayer() {
    write(Quantization.Q4_0, 0.2);
    int[] fired = new int[SHAPE.layers()];
    ActivationListener listener =
        new ActivationListener() {
          @Override
          public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
            for (int i = 0; i < tokens * SHAPE.neurons(); i++) {
              fired[layer] += activations.floats().get(i) == 0 ? 0 : 1;
            }
          }
        };
    try (Model model = Model.builder(file).device(ComputeDevice.CPU).threads(1).load();
        DecoderState state = model.decoder().newState(64, 64, model.cacheDtype())) {
      assertEquals(Activation.RELU, model.config().activation());
      int[] prompt = RandomNumbers.tokens(SHAPE.vocabulary(), TOKENS);
      model.decoder().prefill(state, prompt, 64, listener, null, fraction -> {});
      for (int count : fired) {
        double share = (double) count / TOKENS / SHAPE.neurons();
        assertTrue(share > 0.97, share + " of the neurons fire");
      }
    }
  }

  @Test
  void theFileHasPowerInfersMagicAndNoKeysThatItLacks() throws IOException {
    write(Quantization.F16, 1);
    byte[] bytes = Files.readAllBytes(file);
    assertEquals("PWRI", new String(bytes, 0, 4, StandardCharsets.US_ASCII));
    try (GgufFile gguf = GgufFile.open(file, Host::map)) {
      assertTrue(gguf.metadata().number("powerinfer.sparse_threshold", 0) < -1e8);
      assertTrue(!gguf.metadata().has("tokenizer.ggml.pre"));
      assertTrue(gguf.find("blk.0.ffn_down.weight").isEmpty());
      assertEquals(SHAPE.neurons(), gguf.tensor("blk.1.ffn_down_t.weight").rows());
    }
  }

  @ParameterizedTest
  @CsvSource({"0.1, 1.2816", "0.2, 0.8416", "0.4, 0.2533", "0.5, 0", "0.9, -1.2816"})
  void thresholdsAreQuantilesOfTheNormalDistribution(double active, double expected) {
    assertEquals(expected, PowerInferModel.threshold(active), 1e-4);
  }

  @Test
  void whatPowerInferCannotReadIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> PowerInferModel.threshold(0));
    assertThrows(IllegalArgumentException.class, () -> PowerInferModel.threshold(1.1));
    assertThrows(IllegalArgumentException.class, () -> write(Quantization.Q8_0, 0.2));
    assertThrows(
        IllegalArgumentException.class,
        () -> PowerInferModel.requireReadable(ModelShape.of("opt-1.3b"), Quantization.F16));
    assertEquals(1024, PowerInferModel.rank(ModelShape.of("llama-2-7b")));
  }
}
