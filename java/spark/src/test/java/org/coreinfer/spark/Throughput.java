package org.coreinfer.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/**
 * Answers per second of one executor and of two, each a process with one thread. Not among the
 * tests of a build; {@code bench/results/spark.md} has the command.
 */
class Throughput {
  private static final int PROMPTS = 200;
  private static final int TOKENS = 32;
  private static final int ROUNDS = 3;
  private static final ExecutorModel MODEL =
      ExecutorModel.embedded().withContextLength(128).withThreads(1);

  private record Result(
      int prompts, int tokensPerAnswer, int rounds, Map<Integer, List<Double>> answersPerSecond) {}

  @Test
  void ofOneAndTwoExecutors() throws IOException {
    Map<Integer, List<Double>> rates = new TreeMap<>();
    List<Row> first = List.of();
    for (int round = 0; round < ROUNDS; round++) {
      for (int executors : new int[] {1, 2}) {
        SparkSession spark = Sessions.cluster(executors);
        answers(Prompts.of(spark, 40, 2 * executors)); // loads the models
        Dataset<Row> prompts = Prompts.of(spark, PROMPTS, 2 * executors).persist();
        prompts.count();
        long begin = System.nanoTime();
        List<Row> texts = answers(prompts);
        double rate = PROMPTS * 1e9 / (System.nanoTime() - begin);
        rates.computeIfAbsent(executors, e -> new ArrayList<>()).add(Math.rint(rate * 10) / 10);
        first = first.isEmpty() ? texts : first;
        assertEquals(first, texts);
      }
    }
    Result result = new Result(PROMPTS, TOKENS, ROUNDS, rates);
    Files.writeString(
        Path.of(System.getProperty("coreinfer.testData"))
            .resolveSibling("bench/results/spark.json"),
        new GsonBuilder().setPrettyPrinting().create().toJson(result) + "\n");
    rates.forEach((executors, each) -> System.err.println(executors + " " + median(each)));
  }

  private static List<Row> answers(Dataset<Row> prompts) {
    return CoreInferBatch.on(prompts)
        .model(MODEL)
        .prompt("question")
        .key("id")
        .options(BatchOptions.builder().maxTokens(TOKENS).ignoreEos(true).keep(0.4).build())
        .generate()
        .select("id", "text")
        .orderBy("id")
        .collectAsList();
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(x -> x).sorted().toArray();
    return Arrays.stream(sorted).skip(sorted.length / 2).findFirst().orElse(Double.NaN);
  }
}
