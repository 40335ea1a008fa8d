package org.coreinfer.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.coreinfer.Calibrations;
import org.coreinfer.Model;
import org.coreinfer.calibration.Calibrator;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CalibrationFile;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreWish;
import org.coreinfer.evaluation.Documents;
import org.coreinfer.evaluation.Evaluation;
import org.coreinfer.evaluation.Evaluator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calibrations and evaluations on executors are those of one machine. */
class CorpusTest {
  private static final Path STORIES =
      Path.of(
          System.getProperty("coreinfer.testData", "../../test-data"),
          "embedded/heldout/stories.txt");
  private static final ExecutorModel MODEL =
      ExecutorModel.embedded().withContextLength(64).withThreads(1);

  private static Dataset<String> corpus(SparkSession spark, List<String> documents) {
    return spark.createDataset(documents, Encoders.STRING());
  }

  private static List<int[]> tokens(Model model, List<String> documents, int most) {
    return documents.stream()
        .map(document -> model.tokenizer().encode(document, true, false))
        .map(ids -> Arrays.copyOf(ids, Math.min(ids.length, most)))
        .toList();
  }

  @Test
  void aCalibrationIsThatOfOneMachineToTheBit(@TempDir Path folder) throws IOException {
    List<String> documents = Documents.read(STORIES, 17);
    Calibrator.Settings settings =
        new Calibrator.Settings(CoreOptions.DEFAULT_RULE, CoreOptions.DEFAULT_ALPHA, 2, 1, 0);
    Calibration distributed =
        CoreInferCalibration.on(corpus(Sessions.local(), documents))
            .model(MODEL)
            .text("value")
            .documentTokens(24)
            .settings(settings)
            .run(folder.resolve("log"), (step, fraction) -> {});
    Calibration single;
    try (Model model = Model.embedded().contextLength(64).threads(1).load()) {
      single =
          new Calibrator(
                  model.decoder(), model.name(), model.fingerprint(), settings, model.cacheDtype())
              .run(tokens(model, documents, 24), folder.resolve("other"), (step, fraction) -> {});
    }
    CalibrationFile.write(distributed, folder.resolve("distributed"));
    CalibrationFile.write(single, folder.resolve("single"));
    assertArrayEquals(
        Files.readAllBytes(folder.resolve("single")),
        Files.readAllBytes(folder.resolve("distributed")));
    assertFalse(Files.exists(folder.resolve("log")));
  }

  @Test
  void aSweepIsTheEvaluationOfOneMachine() {
    List<String> documents = Documents.read(STORIES, 3);
    Evaluation distributed =
        CoreInferSweep.on(corpus(Sessions.local(), documents))
            .model(MODEL)
            .text("value")
            .grid(List.of("norm", "relative"), List.of(0.2, 0.5))
            .evaluate();
    try (Model model = Model.embedded().contextLength(64).threads(1).load()) {
      Calibration calibration = Calibrations.of(null);
      List<CoreOptions> options =
          List.of("norm", "relative").stream()
              .flatMap(
                  rule ->
                      List.of(0.2, 0.5).stream()
                          .map(
                              keep ->
                                  new CoreWish(null, rule, null, keep, null, null, null, null, null)
                                      .resolve(calibration, part -> part)))
              .toList();
      Evaluator evaluator = new Evaluator(model.decoder(), options, model.cacheDtype());
      for (int[] ids : tokens(model, documents, 64)) {
        evaluator.add(ids, Evaluator.promptTokens(ids.length, 0.5), fraction -> {});
      }
      Evaluation single = evaluator.result();
      assertEquals(single.dense(), distributed.dense());
      assertEquals(4, distributed.cores().size());
      for (int i = 0; i < 4; i++) {
        Evaluation.Core one = single.cores().get(i);
        Evaluation.Core other = distributed.cores().get(i);
        assertEquals(one.options().rule(), other.options().rule());
        assertEquals(one.options().keep(), other.options().keep());
        assertEquals(one.nll(), other.nll());
        assertEquals(one.kl(), other.kl());
        assertEquals(one.top1Agreement(), other.top1Agreement());
        assertEquals(one.acceptance(), other.acceptance());
        assertEquals(one.overlap(), other.overlap());
        assertEquals(one.keepMeasured(), other.keepMeasured());
        assertEquals(one.bytesPerToken(), other.bytesPerToken());
      }
    }
  }

  @Test
  void whatCannotBeMeasuredIsRefused() {
    CoreInferSweep sweep = CoreInferSweep.on(corpus(Sessions.local(), List.of("x")));
    CoreWish lossless = new CoreWish(null, null, null, 0.4, null, null, null, null, true);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> sweep.choices(List.of(lossless)));
    assertTrue(String.valueOf(e.getMessage()).startsWith("lossless: "), e.getMessage());
    IllegalArgumentException few =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                CoreInferCalibration.on(corpus(Sessions.local(), List.of("x")))
                    .model(MODEL)
                    .text("value")
                    .run(Path.of("unused"), (step, fraction) -> {}));
    assertTrue(
        String.valueOf(few.getMessage()).contains("a calibration needs 16"), few.getMessage());
  }
}
