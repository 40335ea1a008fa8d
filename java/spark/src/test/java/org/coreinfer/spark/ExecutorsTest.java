package org.coreinfer.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkException;
import org.apache.spark.SparkFiles;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/** On executors that are processes of their own. */
class ExecutorsTest {
  private static final ExecutorModel MODEL = Thousand.MODEL;
  private static final Path EMBEDDED =
      Path.of(System.getProperty("coreinfer.testData", "../../test-data"), "embedded");

  private static Dataset<Row> answers(ExecutorModel model, Dataset<Row> prompts) {
    return Thousand.batch(prompts).model(model).generate();
  }

  /** What an executor says of itself: number, process, working folder, cache, added files. */
  private record Executor(String number, long process, Path folder, String cache, Path files) {
    static Executor parse(String line) {
      String[] parts = line.split("\t", -1);
      return new Executor(
          parts[0], Long.parseLong(parts[1]), Path.of(parts[2]), parts[3], Path.of(parts[4]));
    }
  }

  /** The executors, by their numbers. */
  private static Map<String, Executor> executors(SparkSession spark) {
    Map<String, Executor> found = new TreeMap<>();
    while (found.size() < 2) {
      MapPartitionsFunction<Row, String> describe =
          rows -> {
            Thread.sleep(50); // so that both get some
            String cache = System.getProperty("org.bytedeco.javacpp.cachedir", "");
            return List.of(
                    String.join(
                        "\t",
                        SparkEnv.get().executorId(),
                        Long.toString(ProcessHandle.current().pid()),
                        Path.of("").toAbsolutePath().toString(),
                        cache,
                        SparkFiles.getRootDirectory()))
                .iterator();
          };
      Prompts.of(spark, 8, 8)
          .mapPartitions(describe, Encoders.STRING())
          .collectAsList()
          .forEach(
              line -> {
                Executor executor = Executor.parse(line);
                found.put(executor.number(), executor);
              });
    }
    return found;
  }

  @Test
  void answersSurviveAnExecutorThatIsKilled() {
    SparkSession spark = Sessions.cluster();
    List<Row> expected = Thousand.answers(spark);
    Map<String, Executor> executors = executors(spark);
    AtomicReference<String> killed = new AtomicReference<>();
    SparkListener killer =
        new SparkListener() {
          @Override
          public void onTaskEnd(SparkListenerTaskEnd end) {
            Executor executor = executors.get(end.taskInfo().executorId());
            if (executor != null && killed.compareAndSet(null, executor.number())) {
              ProcessHandle.of(executor.process()).ifPresent(ProcessHandle::destroyForcibly);
            }
          }
        };
    Dataset<Row> prompts = Prompts.of(spark, 1000, 7).persist();
    prompts.count();
    spark.sparkContext().addSparkListener(killer);
    List<Row> answered = Prompts.comparable(answers(MODEL, prompts));
    spark.sparkContext().removeSparkListener(killer);
    prompts.unpersist();
    assertFalse(killed.get() == null);
    assertEquals(1000, answered.size());
    assertEquals(expected, answered);
    assertFalse(executors(spark).containsKey(String.valueOf(killed.get())));
  }

  @Test
  void eachExecutorUnpacksNativeLibrariesForItself() {
    SparkSession spark = Sessions.cluster();
    answers(MODEL, Prompts.of(spark, 40, 8)).collectAsList();
    Map<String, Executor> executors = executors(spark);
    long caches = executors.values().stream().map(Executor::cache).distinct().count();
    assertEquals(executors.size(), caches, executors.toString());
    for (Executor executor : executors.values()) {
      assertTrue(
          executor.cache().isEmpty() || Files.isDirectory(Path.of(executor.cache())),
          executor.toString());
    }
  }

  @Test
  void aModelThatWasSentIsFoundByItsName() {
    SparkSession spark = Sessions.cluster();
    spark.sparkContext().addFile(EMBEDDED.resolve("embedded.gguf").toString());
    spark.sparkContext().addFile(EMBEDDED.resolve("embedded.calibration").toString());
    Dataset<Row> prompts = Prompts.of(spark, 20, 2);
    ExecutorModel sent =
        ExecutorModel.added("embedded.gguf")
            .withCalibration("embedded.calibration")
            .withContextLength(128)
            .withThreads(1);
    assertEquals(
        Prompts.comparable(answers(MODEL, prompts)), Prompts.comparable(answers(sent, prompts)));
  }

  @Test
  void aModelThatOneExecutorLacksIsOneClearError() throws IOException {
    SparkSession spark = Sessions.cluster();
    List<Executor> executors = List.copyOf(executors(spark).values());
    Path there = executors.get(0).folder().resolve("only-here.gguf");
    Files.copy(EMBEDDED.resolve("embedded.gguf"), there, StandardCopyOption.REPLACE_EXISTING);
    ExecutorModel lacking =
        ExecutorModel.at("only-here.gguf").withContextLength(128).withThreads(1);
    Dataset<Row> answers = answers(lacking, Prompts.of(spark, 1000, 2));
    SparkException e = assertThrows(SparkException.class, answers::collectAsList);
    String message = String.valueOf(e.getMessage());
    Executor other = executors.get(1);
    String sentence =
        "executor %s: there is no model or calibration at %s; put it where every executor can read it"
            .formatted(other.number(), other.folder().resolve("only-here.gguf"));
    assertTrue(message.contains(sentence), message);
  }
}
