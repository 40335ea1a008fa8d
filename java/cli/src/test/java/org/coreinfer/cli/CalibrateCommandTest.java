package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calibrating a model, and what the other commands make of it. */
class CalibrateCommandTest {
  private static final String PROMPT = "Once upon a time, there was a little girl";

  @TempDir private static Path shared;
  private static Path text;

  /** A folder of a model with its calibration. */
  private static Path calibrated;

  private static JsonObject report;

  @TempDir private Path folder;

  @BeforeAll
  static void calibrate() throws IOException {
    List<String> documents = new ArrayList<>();
    for (String who : List.of("girl", "dog", "king", "cat")) {
      for (String what : List.of("played in the park", "found a red ball", "was sad", "ate cake")) {
        documents.add(
            "Once upon a time there was a %s who %s. Then the %s went home.\n"
                .formatted(who, what, who));
      }
    }
    text =
        Files.writeString(
            shared.resolve("corpus.txt"), String.join("\n<|endoftext|>\n", documents));
    calibrated = copyOf("stories260k-hf", shared.resolve("model"));
    report = Command.run(calibrateWith("--json")).json();
  }

  private static Path copyOf(String model, Path target) throws IOException {
    Files.createDirectories(target);
    try (Stream<Path> files = Files.list(Command.sharedModel(model))) {
      for (Path file : files.toList()) {
        Files.copy(file, target.resolve(file.getFileName().toString()));
      }
    }
    return target;
  }

  private static String[] calibrateWith(String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("calibrate", calibrated.toString(), "--text", text.toString()));
    arguments.addAll(List.of("--document-tokens", "24", "--measured-documents", "1"));
    arguments.addAll(List.of(more));
    return arguments.toArray(String[]::new);
  }

  private static String file() {
    return calibrated.resolve("coreinfer.calibration").toString();
  }

  private static JsonObject run(Path model, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("run", model.toString(), "-p", PROMPT, "-n", "4", "--json"));
    arguments.addAll(List.of(more));
    return Command.run(arguments.toArray(String[]::new)).json().getAsJsonObject("core");
  }

  // ---- calibrate ----

  @Test
  void theReportHasTheKeysOfTheContract() {
    assertEquals(
        Set.of("file", "documents", "tokens", "clusters", "prior_tokens", "rule", "keeps"),
        report.keySet());
    assertEquals(file(), report.get("file").getAsString());
    assertEquals(14, report.get("documents").getAsInt());
    assertEquals("relative", report.get("rule").getAsString());
    JsonArray keeps = report.getAsJsonArray("keeps");
    JsonObject last = keeps.get(keeps.size() - 1).getAsJsonObject();
    assertEquals(Set.of("keep", "kl", "is_mapped", "shares"), last.keySet());
    assertEquals(1, last.get("keep").getAsDouble());
    assertEquals(0, last.get("kl").getAsDouble());
    for (var share : last.getAsJsonArray("shares")) {
      assertEquals(1, share.getAsDouble());
    }
  }

  @Test
  void thePartialFileIsGoneWhenTheCalibrationIsThere() {
    assertTrue(Files.exists(Path.of(file())));
    assertFalse(Files.exists(Path.of(file() + ".part")));
  }

  @Test
  void theSameTextGivesTheSameFile() throws IOException {
    Path other = folder.resolve("again");
    Command.Outcome outcome = Command.run(calibrateWith("--out", other.toString())).done();
    assertArrayEquals(Files.readAllBytes(Path.of(file())), Files.readAllBytes(other));
    assertTrue(outcome.out().contains("share of each layer"), outcome.out());
    assertTrue(outcome.out().startsWith(other.toString()), outcome.out());
  }

  @Test
  void tooFewDocumentsAreOneSentence() throws IOException {
    Path one = Files.writeString(folder.resolve("one.txt"), "A cat sat on a mat. ".repeat(9));
    String sentence =
        Command.run("calibrate", calibrated.toString(), "--text", one.toString()).sentence(1);
    assertTrue(sentence.contains("1 documents"), sentence);
    assertTrue(sentence.contains("16"), sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "--rule,best",
    "--rule,reference",
    "--alpha,0",
    "--clusters,-1",
    "--clusters,65",
    "--max-documents,0",
    "--document-tokens,15",
    "--measured-documents,0",
    "--seed,x"
  })
  void aBadValueIsOneSentenceThatNamesTheOption(String option, String value) {
    String sentence =
        Command.run("calibrate", calibrated.toString(), "--text", text.toString(), option, value)
            .sentence(2);
    assertTrue(sentence.startsWith("coreinfer calibrate: "), sentence);
    assertTrue(sentence.contains(option), sentence);
  }

  @Test
  void whatIsMissingIsNamed() {
    assertTrue(Command.run("calibrate", calibrated.toString()).sentence(2).contains("--text"));
    assertTrue(Command.run("calibrate", "--text", text.toString()).sentence(2).contains("MODEL"));
    String missing = folder.resolve("missing.txt").toString();
    assertTrue(
        Command.run("calibrate", calibrated.toString(), "--text", missing)
            .sentence(1)
            .contains("no such file"));
    Path nowhere = folder.resolve("missing").resolve("calibration");
    String sentence = Command.run(calibrateWith("--out", nowhere.toString())).sentence(1);
    assertTrue(sentence.contains("missing"), sentence);
  }

  // ---- the other commands ----

  @Test
  void runFindsTheCalibrationBesideTheModel() {
    JsonObject half = run(calibrated, "--keep", "0.5");
    assertEquals("auto", half.get("method").getAsString());
    assertEquals("relative", half.get("rule").getAsString());
    assertEquals(0.5, half.get("keep").getAsDouble());
    double sum = 0;
    for (var count : half.getAsJsonArray("neurons_per_layer")) {
      sum += count.getAsInt();
    }
    int layers = half.getAsJsonArray("neurons_per_layer").size();
    JsonObject dense = run(calibrated, "--method", "dense");
    int neurons = dense.getAsJsonArray("neurons_per_layer").get(0).getAsInt();
    assertEquals(0.5, sum / layers / neurons, 0.01);
  }

  @Test
  void theKeepIsChosenByTheDivergence() {
    JsonArray keeps = report.getAsJsonArray("keeps");
    double largest = keeps.get(0).getAsJsonObject().get("kl").getAsDouble();
    JsonObject least = run(calibrated, "--max-kl", String.valueOf(largest * 1.01));
    assertEquals(0.1, least.get("keep").getAsDouble(), 1e-6);
    JsonObject some = run(calibrated, "--max-kl", String.valueOf(largest / 2));
    assertTrue(some.get("keep").getAsDouble() > 0.1);
    assertTrue(some.get("keep").getAsDouble() < 1);
  }

  @Test
  void evalAndShowFindItToo() {
    String model = calibrated.toString();
    JsonObject core =
        Command.run("eval", model, "--text", text.toString(), "--keep", "0.5", "--json")
            .json()
            .getAsJsonObject("core");
    assertTrue(core.get("kl").getAsDouble() > 0);
    assertEquals(0.5, core.get("keep_measured").getAsDouble(), 0.02);
    String sparse = Command.run("show", model, "--max-kl", "9", "--json").json().toString();
    String dense = Command.run("show", model, "--method", "dense", "--json").json().toString();
    assertNotEquals(dense, sparse);
  }

  @Test
  void aFileElsewhereIsNamed() throws IOException {
    Path plain = copyOf("stories260k-hf", folder.resolve("plain"));
    JsonObject core = run(plain, "--keep", "0.5", "--calibration", file());
    assertEquals("auto", core.get("method").getAsString());
    JsonObject similar =
        run(plain, "--keep", "0.5", "--calibration", file(), "--method", "similarity");
    assertEquals("similarity", similar.get("method").getAsString());
  }

  @Test
  void whatIsLeftOutMayBeCompensatedOrNot() {
    for (String option : List.of("--compensate", "--no-compensate")) {
      JsonObject core = run(calibrated, "--keep", "0.3", option);
      assertEquals(0.3, core.get("keep").getAsDouble());
    }
  }

  @Test
  void withoutACalibrationDecodingIsDenseAndSaysWhy() throws IOException {
    String plain = copyOf("stories260k-hf", folder.resolve("plain")).toString();
    Command.Outcome outcome = Command.run("run", plain, "-p", PROMPT, "-n", "2", "--json");
    JsonObject core = outcome.json().getAsJsonObject("core");
    assertEquals("dense", core.get("method").getAsString());
    assertTrue(outcome.err().contains("coreinfer calibrate"), outcome.err());
    assertTrue(outcome.err().contains("--keep"), outcome.err());
    assertEquals("stability", run(Path.of(plain), "--keep", "0.5").get("method").getAsString());
  }

  @Test
  void anotherRuleIsThePromptsOwn() {
    JsonObject core = run(calibrated, "--keep", "0.5", "--rule", "norm");
    assertEquals("stability", core.get("method").getAsString());
    assertEquals("norm", core.get("rule").getAsString());
  }

  // ---- wrong usage ----

  private static String refusal(int code, String model, String... options) {
    List<String> arguments = new ArrayList<>(List.of("run", model, "-p", PROMPT));
    arguments.addAll(List.of(options));
    return Command.run(arguments.toArray(String[]::new)).sentence(code);
  }

  @Test
  void keepAndMaxKlContradictEachOther() {
    String sentence = refusal(2, calibrated.toString(), "--keep", "0.5", "--max-kl", "0.1");
    assertTrue(sentence.contains("--keep") && sentence.contains("--max-kl"), sentence);
  }

  @ParameterizedTest
  @CsvSource({"--max-kl,0", "--max-kl,-1", "--max-kl,NaN", "--max-kl,much", "--method,best"})
  void badValuesAreNamed(String option, String value) {
    assertTrue(refusal(2, calibrated.toString(), option, value).contains(option));
  }

  @ParameterizedTest
  @CsvSource({"--max-kl,0.1", "--method,auto", "--method,similarity"})
  void whatNeedsACalibrationSaysSo(String option, String value) throws IOException {
    String plain = copyOf("stories260k-hf", folder.resolve("plain")).toString();
    assertTrue(refusal(2, plain, option, value).contains("calibration"));
    if (option.equals("--method")) {
      String sentence = refusal(2, plain, option, value, "--keep", "0.5");
      assertTrue(sentence.contains("coreinfer calibrate"), sentence);
    }
  }

  @Test
  void aRuleThatTheCalibrationDoesNotKnowIsRefusedForItsMethods() {
    String sentence =
        refusal(2, calibrated.toString(), "--keep", "0.5", "--method", "auto", "--rule", "norm");
    assertTrue(sentence.contains("relative") && sentence.contains("norm"), sentence);
  }

  @Test
  void filesThatAreNoCalibrationAreNamed() throws IOException {
    Path wrong = Files.writeString(folder.resolve("wrong.calibration"), "hello");
    Path missing = folder.resolve("missing.calibration");
    for (Path path : List.of(wrong, missing)) {
      String sentence = refusal(1, calibrated.toString(), "--calibration", path.toString());
      assertTrue(sentence.contains(path.getFileName().toString()), sentence);
    }
  }

  @Test
  void aBrokenFileBesideTheModelIsNamed() throws IOException {
    Path broken = copyOf("stories260k-hf", folder.resolve("broken"));
    byte[] bytes = Files.readAllBytes(Path.of(file()));
    Files.write(broken.resolve("coreinfer.calibration"), Arrays.copyOf(bytes, bytes.length / 2));
    String sentence = refusal(1, broken.toString());
    assertTrue(sentence.contains("coreinfer.calibration"), sentence);
  }

  @Test
  void theCalibrationOfAnotherModelIsRefused() {
    String other = Command.sharedModel("tinystories-656k").toString();
    String sentence = refusal(2, other, "--calibration", file(), "--keep", "0.5");
    assertTrue(sentence.contains("calibration"), sentence);
    assertTrue(sentence.contains("layers"), sentence);
    String shown = Command.run("show", other, "--calibration", file(), "--keep", "0.5").sentence(2);
    assertTrue(shown.contains("calibration"), shown);
  }
}
