package org.coreinfer.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.coreinfer.ComputeDevice;
import org.coreinfer.cli.BatchJob;
import org.coreinfer.core.CoreWish;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.GenerationRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchCommandTest {
  private static final int ROWS = 60;

  @TempDir private Path folder;

  private Path input() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int id = 0; id < ROWS; id++) {
      lines.add("{\"id\": %d, \"question\": \"%s\"}".formatted(id, Prompts.text(id)));
    }
    lines.add("{\"id\": 60, \"question\": null}");
    return Files.write(folder.resolve("in.jsonl"), lines);
  }

  private BatchJob job(Path input, String format, int maxTokens) {
    return new BatchJob(
        input.toString(),
        folder.resolve("out").toString(),
        "jsonl",
        format,
        "question",
        List.of(),
        "",
        6,
        null,
        null,
        false,
        null,
        ComputeDevice.AUTO,
        1,
        128,
        8,
        GenerationRequest.of("").maxTokens(maxTokens).build(),
        null,
        null,
        CoreWish.NONE);
  }

  private static BatchJob.Outcome run(BatchJob job) {
    Sessions.local();
    return new SparkBatchRunner().run(job, fraction -> {});
  }

  private List<Row> answers(BatchJob job) {
    SparkSession spark = Sessions.local();
    Tables format = Tables.of(job.outputFormat());
    return format
        .read(spark, job.output())
        .selectExpr("int(id) id", "text", "error")
        .orderBy("id")
        .collectAsList();
  }

  private Map<String, FileTime> parts() throws IOException {
    Map<String, FileTime> parts = new HashMap<>();
    try (Stream<Path> files = Files.list(folder.resolve("out"))) {
      for (Path file : files.filter(f -> f.getFileName().toString().startsWith("part-")).toList()) {
        parts.put(file.getFileName().toString(), Files.getLastModifiedTime(file));
      }
    }
    return parts;
  }

  @Test
  void partsThatAreDoneAreNotDoneAgain() throws IOException {
    BatchJob job = job(input(), "parquet", 3);
    assertEquals(new BatchJob.Outcome(job.output(), ROWS + 1, 1, 6, 0), run(job));
    List<Row> answers = answers(job);
    Map<String, FileTime> before = parts();
    assertEquals(6, before.size());
    assertEquals("the prompt is null", answers.get(ROWS).getAs("error"));
    String lost =
        before.keySet().stream()
            .filter(name -> name.startsWith("part-00003-"))
            .findFirst()
            .orElseThrow();
    Files.delete(folder.resolve("out").resolve(lost));
    assertEquals(new BatchJob.Outcome(job.output(), ROWS + 1, 1, 6, 5), run(job));
    assertEquals(answers, answers(job));
    Map<String, FileTime> after = parts();
    before.remove(lost);
    before.forEach((name, time) -> assertEquals(time, after.get(name), name));
    assertEquals(new BatchJob.Outcome(job.output(), ROWS + 1, 1, 6, 6), run(job));
    assertEquals(after, parts());
  }

  @Test
  void aRunThatBrokeOffGoesOn() throws IOException {
    BatchJob job = job(input(), "jsonl", 30);
    Sessions.local();
    AtomicInteger looks = new AtomicInteger();
    assertThrows(
        CoreInferException.class,
        () ->
            new SparkBatchRunner()
                .run(
                    job,
                    fraction -> {
                      if (fraction > 0 || looks.incrementAndGet() > 1000) {
                        throw new CoreInferException("broken off");
                      }
                    }));
    int done = parts().size();
    BatchJob.Outcome outcome = run(job);
    assertTrue(outcome.partsBefore() >= done && outcome.partsBefore() < 6 + 1, outcome.toString());
    assertEquals(ROWS + 1, outcome.rows());
    assertEquals(ROWS + 1, answers(job).size());
  }

  @Test
  void csvHoldsWhatIsNestedAsJson() throws IOException {
    BatchJob job = job(input(), "csv", 2);
    assertEquals(ROWS + 1, run(job).rows());
    Row first = Tables.CSV.read(Sessions.local(), job.output()).where("id = 0").head();
    assertTrue(first.<String>getAs("tokens").matches("\\[\\d+,\\d+\\]"), first.toString());
    assertTrue(first.<String>getAs("core").startsWith("{\"method\":\"auto\""), first.toString());
  }

  @Test
  void anotherJobMayNotGoOnInTheSameFolder() throws IOException {
    Path input = input();
    run(job(input, "jsonl", 2));
    String options = refusal(job(input, "jsonl", 3));
    assertTrue(options.contains("was begun with other options: "), options);
    Files.writeString(input, "{\"id\": 1, \"question\": \"x\"}\n");
    String rows = refusal(job(input, "jsonl", 2));
    assertTrue(rows.contains("was begun with another input, of 61 rows (now 1)"), rows);
  }

  @Test
  void foldersOfSomethingElseAndMissingTablesAreOneSentence() throws IOException {
    Path input = input();
    Files.writeString(Files.createDirectory(folder.resolve("out")).resolve("mine"), "x");
    String taken = refusal(job(input, "jsonl", 2));
    assertTrue(taken.contains("has files of something else in it"), taken);
    Files.delete(folder.resolve("out/mine"));
    String missing = refusal(job(folder.resolve("none.jsonl"), "jsonl", 2));
    assertTrue(missing.contains("none.jsonl"), missing);
    assertEquals(1, missing.lines().count(), missing);
  }

  private static String refusal(BatchJob job) {
    return String.valueOf(assertThrows(CoreInferException.class, () -> run(job)).getMessage());
  }

  @Test
  void theLauncherOpensWhatSparkNeeds() throws IOException {
    List<String> ours =
        Files.readAllLines(Path.of(System.getProperty("basedir", "."), "java.options"));
    for (String option : JavaModuleOptions.defaultModuleOptions().split(" ", -1)) {
      if (!option.startsWith("--add-modules")) { // the vector module, which a JRE may lack
        assertTrue(ours.contains(option), option);
      }
    }
  }
}
