package org.coreinfer.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RandomModelTest {
  private static final ModelShape TINY = ModelShape.of("tiny");
  private static final ModelShape UNGATED =
      new ModelShape("ungated", ModelShape.Kind.OPT, 320, 3, 64, 160, 4, 4, 2048);

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void generatesTokensInEveryDtype(DType dtype) {
    generates(TINY, dtype);
    generates(UNGATED, dtype);
  }

  private static void generates(ModelShape shape, DType dtype) {
    CoreOptions options = CoreOptions.stability(0.4);
    OnBackend parameters = new DecodeBenchmark();
    parameters.backend = Workbench.CPU;
    parameters.threads = 1;
    parameters.activationBits = 8;
    try (RandomModel random = RandomModel.load(parameters, shape, dtype, 64, options);
        Session session = random.model().newSession(options)) {
      Model model = random.model();
      assertEquals(shape.layers(), model.config().layers());
      assertEquals(shape.vocabulary(), model.config().vocabulary());
      assertEquals(shape.activation(), model.config().activation());
      GenerationResult result =
          session.generate(
              GenerationRequest.ofTokens(List.of(3, 1, 4)).maxTokens(5).ignoreEos(true).build());
      assertEquals(5, result.tokens().size());
      assertEquals(NeuronSample.count(shape.neurons(), 0.4), session.neurons().count(0));
    }
  }

  @Test
  void hasAsManyLayersAsAreAskedFor() {
    assertEquals(5, TINY.withLayers(5).layers());
    assertEquals(TINY, TINY.withLayers(0));
  }

  @Test
  void samplesOfNeuronsAscend() {
    int[] some = NeuronSample.of(1000, 400, 1);
    assertEquals(400, Arrays.stream(some).distinct().count());
    int[] sorted = some.clone();
    Arrays.sort(sorted);
    assertArrayEquals(sorted, some);
    assertTrue(some[0] >= 0 && some[399] < 1000);
    assertFalse(Arrays.equals(some, NeuronSample.of(1000, 400, 2)));
    assertEquals(999, NeuronSample.of(1000, 1000, 3)[999]);
  }

  @Test
  void roundsExceedTheCaches() {
    assertEquals(1, Rotation.count(Rotation.ROUND_BYTES));
    assertEquals(3, Rotation.count(Rotation.ROUND_BYTES / 2 - 1));
    assertEquals(Rotation.MOST, Rotation.count(1));
  }
}
