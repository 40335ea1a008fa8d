package org.coreinfer.calibration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.coreinfer.Model;
import org.coreinfer.TestData;
import org.coreinfer.calibration.Calibrator.Monitor;
import org.coreinfer.calibration.Calibrator.Settings;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CalibrationFile;
import org.coreinfer.evaluation.Documents;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calibrating the embedded model on a few short texts of many kinds. */
class CalibratorTest {
  private static final List<String> KINDS =
      List.of("code", "generated-stories", "german", "qa", "shakespeare", "stories", "web", "wiki");
  private static final Settings SETTINGS = new Settings("relative", 0.4, 0, 2, 1);
  private static final Monitor QUIET = (step, fraction) -> {};
  private static final int TOKENS = 12;

  private static Model model;
  private static List<int[]> documents;

  /** Of an uninterrupted run. */
  private static Calibration whole;

  private static final Set<String> STEPS = new LinkedHashSet<>();

  @TempDir private Path folder;
  private Path log;

  @BeforeAll
  static void calibrate(@TempDir Path folder) {
    model = Model.embedded().threads(2).load();
    documents = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      for (String kind : KINDS) {
        Path text = TestData.file("embedded/heldout/" + kind + ".txt");
        int[] ids = model.tokenizer().encode(Documents.read(text, 3).get(i), true, false);
        documents.add(Arrays.copyOf(ids, Math.min(TOKENS, ids.length)));
      }
    }
    whole = run(SETTINGS, folder.resolve("log"), (step, fraction) -> STEPS.add(step));
  }

  @AfterAll
  static void close() {
    model.close();
  }

  @BeforeEach
  void nameLog() {
    log = folder.resolve("calibration.part");
  }

  private static Calibration run(Settings settings, Path log, Monitor monitor) {
    return calibrator(settings).run(documents, log, monitor);
  }

  private static Calibrator calibrator(Settings settings) {
    return calibrator(settings, model.fingerprint());
  }

  private static Calibrator calibrator(Settings settings, byte[] fingerprint) {
    return new Calibrator(model.decoder(), model.name(), fingerprint, settings, model.cacheDtype());
  }

  private byte[] bytes(Calibration calibration) throws IOException {
    Path file = folder.resolve("calibration");
    CalibrationFile.write(calibration, file);
    return Files.readAllBytes(file);
  }

  @Test
  void whatComesOutSuitsTheModelAndIsInRange() {
    whole.requireShapeOf(model.config());
    assertEquals(model.name(), whole.source().model());
    assertEquals("relative", whole.source().rule());
    assertEquals(21, whole.source().documents());
    assertEquals(1.0, whole.budgets().keeps().get(whole.budgets().keeps().size() - 1));
    List<Double> divergence = whole.budgets().divergence();
    assertEquals(0, divergence.get(divergence.size() - 1));
    assertTrue(divergence.get(0) > 0);
    for (int k = 0; k < divergence.size(); k++) {
      assertTrue(k == 0 || divergence.get(k) <= divergence.get(k - 1), divergence.toString());
      double sum = 0;
      for (float share : whole.budgets().shares()[k]) {
        assertTrue(share > 0 && share <= 1);
        sum += share;
      }
      assertEquals(whole.budgets().keeps().get(k), sum / model.config().layers(), 1e-3);
    }
    for (int cluster = 0; cluster < whole.clusters(); cluster++) {
      for (int layer = 0; layer < model.config().layers(); layer++) {
        double sum = 0;
        for (float root : whole.roots(cluster, layer)) {
          sum += (double) root * root;
        }
        assertEquals(1, sum, 0.02, "relative scores of a token add up to one");
      }
    }
  }

  @Test
  void aRunThatIsInterruptedInEveryStepGoesOnToTheSameFile() throws IOException {
    assertEquals(5, STEPS.size(), STEPS.toString());
    // What a run with other settings left behind is of no use.
    interrupt(new Settings("norm", 0.4, 0, 2, 1), "Decoding densely");
    for (String step : STEPS) {
      interrupt(SETTINGS, step);
    }
    byte[] expected = bytes(whole);
    assertArrayEquals(expected, bytes(run(SETTINGS, log, QUIET)));
    assertFalse(Files.exists(log));
  }

  private void interrupt(Settings settings, String wanted) throws IOException {
    Monitor interrupting =
        (step, fraction) -> {
          if (step.equals(wanted) && fraction > 0.25) {
            throw new IllegalStateException("interrupted");
          }
        };
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> run(settings, log, interrupting), wanted);
    assertEquals("interrupted", e.getMessage());
    assertTrue(Files.size(log) > 0);
  }

  @Test
  void aLogOfOtherWeightsIsBegunAnew() throws IOException {
    Settings quick = new Settings("norm", 0.4, 1, 1, 1);
    Monitor notes =
        (step, fraction) -> {
          if (step.equals("Decoding densely")) {
            throw new IllegalStateException("interrupted");
          }
        };
    byte[] others = model.fingerprint();
    others[7]++;
    assertThrows(
        IllegalStateException.class, () -> calibrator(quick, others).run(documents, log, notes));
    byte[] left = Files.readAllBytes(log);
    assertThrows(IllegalStateException.class, () -> calibrator(quick).run(documents, log, notes));
    byte[] begunAnew = Files.readAllBytes(log);
    assertEquals(left.length, begunAnew.length);
    assertFalse(Arrays.equals(left, begunAnew));
    assertThrows(IllegalStateException.class, () -> calibrator(quick).run(documents, log, notes));
    assertArrayEquals(begunAnew, Files.readAllBytes(log));
  }

  @Test
  void asManyClustersAsAreAskedForAreMade() {
    Settings three = new Settings("norm", 0.4, 3, 1, 1);
    assertEquals(3, run(three, log, QUIET).clusters());
  }

  @Test
  void refusesTooFewDocuments() {
    List<int[]> few = documents.subList(0, Calibrator.LEAST_DOCUMENTS - 1);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> calibrator(SETTINGS).run(few, log, QUIET));
    assertTrue(String.valueOf(e.getMessage()).startsWith("15 documents: "), e.getMessage());
    assertFalse(Files.exists(log));
  }

  @Test
  void refusesSettingsThatCannotBeUsed() {
    assertThrows(IllegalArgumentException.class, () -> new Settings("reference", 0.4, 0, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> new Settings("best", 0.4, 0, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> new Settings("norm", 0, 0, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> new Settings("norm", 0.4, -1, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> new Settings("norm", 0.4, 65, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> new Settings("norm", 0.4, 0, 0, 1));
  }
}
