package org.coreinfer.spark;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Answers the prompts of a dataset's rows, as a transformation of the dataset:
 *
 * <pre>{@code
 * Dataset<Row> answers =
 *     CoreInferBatch.on(questions)
 *         .model("/models/model.gguf")
 *         .prompt("question")
 *         .key("id")
 *         .options(BatchOptions.builder().maxTokens(100).keep(0.4).build())
 *         .generate();
 * }</pre>
 *
 * <p>Each row keeps its columns and gets {@code text}, {@code tokens} (ids), {@code finish_reason},
 * {@code timings}, {@code core} (which neurons were computed) and {@code error}. A row that can't
 * be answered, such as one whose prompt is null or longer than the context, has only an error; the
 * job goes on. Options that suit no row, a model that can't be loaded and a device that fails end
 * the task, which Spark tries again, and then the job.
 *
 * <p>A partition is streamed: an executor holds a few rows of it, and computes up to {@link
 * ExecutorModel#slots} answers in one pass over the weights, of all its tasks together. As with any
 * transformation nothing is computed before an action, and each action computes anew: write the
 * answers, or persist them.
 *
 * <p>On CPUs an answer depends on its row, the model and the options alone, not on partitions,
 * order, retries or what else is answered; processors with other instruction sets, and GPUs with
 * several slots, may round otherwise. Draws are seeded by the options' seed and the row's key: the
 * hash of the key columns, or of the whole row where none are named. So equal keys draw equal
 * random numbers. Rows that are equal in every column, where no key is named, get the same answer;
 * to sample one prompt several times, number its rows in a column. Without a key a further column
 * changes what is drawn. Greedy answers do not depend on keys.
 *
 * <p>Of {@code timings} nothing of this holds, nor of chat templates that write today's date.
 *
 * <p>Collects settings, for one thread.
 */
public final class CoreInferBatch {
  private static final String KEY = "__coreinfer_key";

  private final Dataset<Row> rows;
  private ExecutorModel model = ExecutorModel.embedded();
  private @Nullable String prompt;
  private List<String> keys = List.of();
  private BatchOptions options = BatchOptions.defaults();
  private AnswerColumns columns = new AnswerColumns("");

  private CoreInferBatch(Dataset<Row> rows) {
    this.rows = rows;
  }

  /** A batch of a dataset's rows, with the embedded model unless another is named. */
  public static CoreInferBatch on(Dataset<?> rows) {
    return new CoreInferBatch(rows.toDF());
  }

  /** A GGUF file or Hugging Face folder at a path that every executor can read. */
  public CoreInferBatch model(String path) {
    return model(ExecutorModel.at(path));
  }

  public CoreInferBatch model(ExecutorModel value) {
    model = value;
    return this;
  }

  /** The column of prompts, which are strings. */
  public CoreInferBatch prompt(String column) {
    prompt = column;
    return this;
  }

  /** The columns that tell rows from each other; all of them, where none are named. */
  public CoreInferBatch key(String... names) {
    keys = List.of(names);
    return this;
  }

  public CoreInferBatch options(BatchOptions value) {
    options = value;
    return this;
  }

  /** Of the new columns' names, such as {@code answer_}; empty by default. */
  public CoreInferBatch prefix(String value) {
    columns = new AnswerColumns(value);
    return this;
  }

  /**
   * The rows with their answers, which are computed when Spark needs them.
   *
   * @throws IllegalArgumentException if a column is missing, of another type, or in the way
   */
  public Dataset<Row> generate() {
    if (prompt == null) {
      throw new IllegalArgumentException("say with prompt(…) which column holds the prompts");
    }
    StructType schema = rows.schema();
    if (!(Columns.only(schema, prompt, "prompt").dataType() instanceof StringType)) {
      throw new IllegalArgumentException(
          "prompt column '%s': it is of type %s, expected string"
              .formatted(prompt, Columns.only(schema, prompt, "prompt").dataType().sql()));
    }
    StructType answered = columns.addedTo(schema);
    Dataset<Row> keyed = rows.withColumn(KEY, RowKeys.hash(rows, keys));
    AnswerTask task =
        new AnswerTask(
            model,
            SentFiles.of(rows.sparkSession().sparkContext()),
            options,
            schema.fieldIndex(prompt),
            schema.fields().length);
    return keyed.mapPartitions(task, Encoders.row(answered));
  }
}
