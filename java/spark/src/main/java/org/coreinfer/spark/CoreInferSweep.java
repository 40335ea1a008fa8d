package org.coreinfer.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreWish;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.evaluation.Evaluation;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.evaluation.OptionScores;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates many choices of neurons on the documents of a dataset, rules times keeps times
 * documents:
 *
 * <pre>{@code
 * Evaluation evaluation =
 *     CoreInferSweep.on(stories)
 *         .model("/models/model.gguf")
 *         .text("story")
 *         .grid(List.of("norm", "relative"), List.of(0.2, 0.4, 0.6))
 *         .evaluate();
 * }</pre>
 *
 * <p>It is the evaluation that {@code coreinfer eval} makes of the same documents, to the bit where
 * executors have one kind of processor: a task scores one document with some of the choices, and
 * the driver, which needs the model's file too, puts the scores together in the dataset's order.
 *
 * <p>Collects settings, for one thread.
 */
public final class CoreInferSweep {
  private final Dataset<Row> rows;
  private ExecutorModel model = ExecutorModel.embedded();
  private @Nullable String text;
  private double promptFraction = 0.5;
  private List<CoreWish> wishes = List.of(CoreWish.NONE);

  private CoreInferSweep(Dataset<Row> rows) {
    this.rows = rows;
  }

  public static CoreInferSweep on(Dataset<?> rows) {
    return new CoreInferSweep(rows.toDF());
  }

  /** A GGUF file or Hugging Face folder at a path that the driver and executors can read. */
  public CoreInferSweep model(String path) {
    return model(ExecutorModel.at(path));
  }

  public CoreInferSweep model(ExecutorModel value) {
    model = value;
    return this;
  }

  /** The column of documents, which are strings. */
  public CoreInferSweep text(String column) {
    text = column;
    return this;
  }

  /** The share of a document's tokens that is its prompt; a half by default. */
  public CoreInferSweep promptFraction(double value) {
    if (!(value > 0 && value < 1)) {
      throw new IllegalArgumentException(
          "prompt fraction=" + value + ": expected above 0, below 1");
    }
    promptFraction = value;
    return this;
  }

  /** Compares each of the rules with each of the keep fractions. */
  public CoreInferSweep grid(List<String> rules, List<Double> keeps) {
    List<CoreWish> grid = new ArrayList<>();
    for (String rule : rules) {
      for (double keep : keeps) {
        grid.add(new CoreWish(null, rule, null, keep, null, null, null, null, null));
      }
    }
    return choices(grid);
  }

  /**
   * Compares these choices.
   *
   * @throws IllegalArgumentException if there are none, or one is lossless: what drafts gain is
   *     time, which can't be measured on executors that do other things, too
   */
  public CoreInferSweep choices(List<CoreWish> value) {
    if (value.isEmpty()) {
      throw new IllegalArgumentException("there is nothing to compare");
    }
    if (value.stream().anyMatch(wish -> Boolean.TRUE.equals(wish.isLossless()))) {
      throw new IllegalArgumentException(
          "lossless: its speed can't be measured on a cluster; use coreinfer eval");
    }
    wishes = List.copyOf(value);
    return this;
  }

  /**
   * Evaluates, now.
   *
   * @throws CoreInferException if there is no document of two tokens or more
   */
  public Evaluation evaluate() {
    SparkSession spark = rows.sparkSession();
    SentFiles sent = SentFiles.of(spark.sparkContext());
    try (Engines.Lease lease = Engines.lease(model, TaskDevice.of(model.device()), sent)) {
      Model here = lease.engine().model();
      List<CoreOptions> options = wishes.stream().map(lease.engine()::core).toList();
      Evaluator evaluator = new Evaluator(here.decoder(), options, here.cacheDtype());
      List<int[]> documents = Texts.tokens(here, rows, text, 2, here.contextLength());
      if (documents.isEmpty()) {
        throw new CoreInferException("there is no document of two tokens or more");
      }
      JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
      List<Cell> cells = cells(documents, context.defaultParallelism());
      Map<Integer, List<OptionScores>> scores = new HashMap<>();
      context
          .parallelize(cells, cells.size())
          .map(new ScoringTask(model, sent))
          .collect()
          .forEach(
              scored ->
                  scores
                      .computeIfAbsent(scored.document(), d -> new ArrayList<>())
                      .addAll(scored.scores()));
      for (int document = 0; document < documents.size(); document++) {
        evaluator.add(scores.getOrDefault(document, List.of()));
      }
      return evaluator.result();
    }
  }

  /** A document and some of the choices, in order. */
  private record Cell(int document, int[] ids, int promptTokens, List<CoreWish> wishes)
      implements Serializable {}

  private record Scored(int document, List<OptionScores> scores) implements Serializable {}

  /** Of few documents each is scored by several tasks, each of which decodes it densely again. */
  private List<Cell> cells(List<int[]> documents, int parallelism) {
    int perDocument = Math.max(1, 2 * parallelism / documents.size());
    int chunk = Math.max(1, (wishes.size() + perDocument - 1) / perDocument);
    List<Cell> cells = new ArrayList<>();
    for (int document = 0; document < documents.size(); document++) {
      int[] ids = documents.get(document);
      int prompt = Evaluator.promptTokens(ids.length, promptFraction);
      for (int begin = 0; begin < wishes.size(); begin += chunk) {
        int end = Math.min(wishes.size(), begin + chunk);
        cells.add(new Cell(document, ids, prompt, List.copyOf(wishes.subList(begin, end))));
      }
    }
    return cells;
  }

  /** Scores a document on an executor. */
  private record ScoringTask(ExecutorModel model, SentFiles sent)
      implements Function<Cell, Scored> {
    @Override
    public Scored call(Cell cell) {
      try (Engines.Lease lease = Engines.lease(model, TaskDevice.of(model.device()), sent)) {
        Model here = lease.engine().model();
        List<CoreOptions> options = cell.wishes().stream().map(lease.engine()::core).toList();
        Evaluator evaluator = new Evaluator(here.decoder(), options, here.cacheDtype());
        return new Scored(
            cell.document(),
            new ArrayList<>(evaluator.score(cell.ids(), cell.promptTokens(), fraction -> {})));
      }
    }
  }
}
