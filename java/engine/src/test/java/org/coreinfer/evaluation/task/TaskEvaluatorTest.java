package org.coreinfer.evaluation.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.TestData;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.evaluation.Estimate;
import org.coreinfer.evaluation.metric.Metric;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole runs with the embedded model, which is far too small to score. */
class TaskEvaluatorTest {
  private static final int EXAMPLES = 3;
  private static final CoreOptions CORE = CoreOptions.stability(0.3);

  @SuppressWarnings("NullAway.Init")
  private static Model model;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @BeforeAll
  static void loadModel() {
    model = Model.embedded().threads(2).load();
  }

  @AfterAll
  static void closeModel() {
    model.close();
  }

  private record Outcome(TaskReport report, List<TaskEvaluator.Answered> answers) {}

  private static Outcome run(Task task, CoreOptions options, TaskSettings settings) {
    List<TaskEvaluator.Answered> answers = new ArrayList<>();
    try (TaskEvaluator evaluator = evaluator(options)) {
      return new Outcome(evaluator.evaluate(task, settings, answers::add, fraction -> {}), answers);
    }
  }

  private static TaskEvaluator evaluator(CoreOptions options) {
    return new TaskEvaluator(
        model.decoder(), model.tokenizer(), options, model.contextLength(), model.cacheDtype());
  }

  private static Task published(String name) {
    return TaskFile.read(TestData.shared("data/corpora/" + name), null);
  }

  private Task stories() throws IOException {
    Path file = folder.resolve("stories.jsonl");
    Files.writeString(
        file,
        """
        {"prompt": "Once upon a time, there was a little", "reference": "girl who had a cat."}
        {"prompt": "Tom and Lily went to the park. They", "reference": "played with a ball."}
        {"prompt": "The dog was very happy because", "reference": "he found a bone."}
        {"prompt": "One day, mom said", "reference": "it was time to go home."}
        """);
    return TaskFile.read(file, null);
  }

  @ParameterizedTest
  @CsvSource({
    "triviaqa-truthx.csv,2,12",
    "truthfulqa.csv,1,12",
    "truthfulqa-mc_task.json,1,4",
    "hf-samples/SQUAD-sample.json,0,8",
    "hf-samples/wmt16-sample.json,1,16",
    "hf-samples/xsum-sample.json,0,12",
    "gsm8k-test.json,1,16"
  })
  void everyKindRunsFromFileToScores(String name, int shots, int maxTokens) {
    Task task = published(name);
    TaskSettings settings = new TaskSettings(shots, EXAMPLES, 1, maxTokens);
    Outcome outcome = run(task, CORE, settings);
    TaskReport report = outcome.report();
    assertEquals(EXAMPLES, report.examples() + report.skipped());
    assertEquals(report.examples(), outcome.answers().size());
    assertEquals(task.kind().label(), report.kind());
    assertEquals(0.3, report.keepMeasured(), 0.01);
    assertEquals(
        task.kind().metrics().stream().map(Metric::name).toList(),
        report.metrics().stream().map(TaskReport.Result::name).toList());
    for (TaskReport.Result result : report.metrics()) {
      assertWithin(0, 100, result.dense());
      assertWithin(0, 100, result.core());
      assertWithin(-100, 100, result.difference());
      assertEquals(
          result.core().value() - result.dense().value(), result.difference().value(), 1e-9);
    }
    for (TaskEvaluator.Answered answered : outcome.answers()) {
      assertTrue(!answered.dense().contains("\n") && !answered.core().contains("\n"));
    }
  }

  private static void assertWithin(double least, double most, Estimate score) {
    assertTrue(least <= score.low() && score.high() <= most, score.toString());
    assertTrue(score.low() <= score.high(), score.toString());
    assertTrue(least <= score.value() && score.value() <= most, score.toString());
  }

  @Test
  void everyNeuronKeptIsDenseExactly() throws IOException {
    Outcome outcome = run(stories(), CoreOptions.stability(1), new TaskSettings(1, 9, 5, 24));
    assertEquals(1, outcome.report().sameAnswer());
    assertEquals(1, outcome.report().sameScored());
    assertEquals(1, outcome.report().keepMeasured());
    for (TaskReport.Result result : outcome.report().metrics()) {
      assertEquals(result.dense(), result.core());
      assertEquals(new Estimate(0, 0, 0), result.difference());
    }
    for (TaskEvaluator.Answered answered : outcome.answers()) {
      assertEquals(answered.dense(), answered.core());
    }
  }

  @Test
  void aRunRepeatsItselfAndTheSeedChangesIt() throws IOException {
    Task task = stories();
    Outcome first = run(task, CORE, new TaskSettings(2, 9, 5, 12));
    Outcome again = run(task, CORE, new TaskSettings(2, 9, 5, 12));
    assertEquals(first.answers(), again.answers());
    assertEquals(first.report().metrics(), again.report().metrics());
    Outcome other = run(task, CORE, new TaskSettings(2, 9, 6, 12));
    assertNotEquals(first.answers(), other.answers());
  }

  @Test
  void whatTheModelWritesScoresFull() throws IOException {
    Outcome outcome = run(stories(), CORE, new TaskSettings(0, 1, 0, 12));
    String dense = outcome.answers().get(0).dense().strip();
    Path file = folder.resolve("own.jsonl");
    Files.writeString(
        file,
        "{\"prompt\": \"Once upon a time, there was a little\", \"answers\": [\"x\", \"%s\"]}"
            .formatted(dense.replace("\"", "\\\"")));
    TaskReport report =
        run(TaskFile.read(file, null), CORE, new TaskSettings(0, 1, 0, 12)).report();
    for (TaskReport.Result result : report.metrics()) {
      assertEquals(100, result.dense().value(), 1e-9, result.name());
    }
  }

  @Test
  void fewerExamplesAreShownWhereTheContextIsFull() throws IOException {
    Path file = folder.resolve("long.jsonl");
    String text = "The little dog ran to the big red house. ".repeat(15);
    Files.writeString(
        file,
        "{\"prompt\": \"%s\", \"answer\": \"a\"}\n".formatted("A " + text)
            + "{\"prompt\": \"%s\", \"answer\": \"b\"}\n".formatted("B " + text)
            + "{\"prompt\": \"%s\", \"answer\": \"c\"}\n".formatted("C " + text.repeat(9)));
    Task task = TaskFile.read(file, null);
    TaskReport report = run(task, CORE, new TaskSettings(1, 9, 0, 4)).report();
    assertEquals(2, report.examples());
    assertEquals(1, report.skipped());
    assertTrue(report.shotsShown() <= 1, report.toString());
    Task longest = new Task("test", task.kind(), task.examples().subList(2, 3));
    String message =
        String.valueOf(
            assertThrows(
                    CoreInferException.class,
                    () -> run(longest, CORE, new TaskSettings(0, 9, 0, 4)))
                .getMessage());
    assertTrue(message.contains("context of 512 tokens"), message);
  }

  @Test
  void progressGrowsToTheEndAndEndsTheRunWhenItThrows() throws IOException {
    Task task = stories();
    List<Double> fractions = new ArrayList<>();
    try (TaskEvaluator evaluator = evaluator(CORE)) {
      TaskSettings settings = new TaskSettings(0, 2, 0, 6);
      evaluator.evaluate(task, settings, answered -> {}, fractions::add);
      assertEquals(fractions.stream().sorted().toList(), fractions);
      assertTrue(fractions.get(fractions.size() - 1) <= 1);
      assertThrows(
          GenerationCancelledException.class,
          () ->
              evaluator.evaluate(
                  task,
                  settings,
                  answered -> {},
                  fraction -> {
                    throw new GenerationCancelledException("enough");
                  }));
      assertEquals(
          2, evaluator.evaluate(task, settings, answered -> {}, fractions::add).examples());
    }
  }
}
