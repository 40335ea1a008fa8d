package org.coreinfer.calibration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.TestData;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.evaluation.Documents;
import org.coreinfer.evaluation.Evaluator;
import org.junit.jupiter.api.Test;

class DivergenceMeterTest {
  @Test
  void measuresWhatAnEvaluationMeasures() {
    try (Model model = Model.embedded().load();
        DivergenceMeter meter = new DivergenceMeter(model.decoder(), model.cacheDtype())) {
      CoreOptions options = CoreOptions.stability(0.4);
      Evaluator evaluator = new Evaluator(model.decoder(), List.of(options), model.cacheDtype());
      for (String text : Documents.read(TestData.file("embedded/heldout/stories.txt"), 2)) {
        int[] ids = Arrays.copyOf(model.tokenizer().encode(text, true, false), 60);
        meter.add(ids);
        evaluator.add(ids, 30, fraction -> {});
      }
      double divergence = meter.measure(options);
      assertTrue(divergence > 0);
      assertEquals(evaluator.result().cores().get(0).kl().value(), divergence, 1e-9);
      assertEquals(0, meter.measure(CoreOptions.stability(1)));
      assertTrue(meter.measure(CoreOptions.stability(0.8)) < divergence);
    }
  }
}
