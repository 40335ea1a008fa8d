package org.coreinfer.spark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.coreinfer.Model;
import org.coreinfer.calibration.Calibrator;
import org.coreinfer.calibration.Calibrator.Unread;
import org.coreinfer.calibration.DocumentScoring;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * Calibrates a model on the documents of a dataset:
 *
 * <pre>{@code
 * Calibration calibration =
 *     CoreInferCalibration.on(corpus)
 *         .model("/models/model.gguf")
 *         .text("document")
 *         .run(Path.of("model.gguf.calibration.part"), (step, fraction) -> {});
 * CalibrationFile.write(calibration, Path.of("model.gguf.calibration"));
 * }</pre>
 *
 * <p>Executors read the documents, which is what grows with the corpus. What each document's
 * neurons scored comes to the driver, in waves that fit its memory, and into the log on its disk.
 * The driver, which needs the model too, does the rest: it clusters, plans budgets and measures, on
 * a few documents and one after the other. Documents are taken in the dataset's order, so that the
 * calibration is that of {@code coreinfer calibrate} on the same ones, to the bit, where executors
 * have the driver's kind of processor. No sum is formed in an order that partitions decide.
 *
 * <p>Collects settings, for one thread.
 */
public final class CoreInferCalibration {
  private static final long WAVE_BYTES = 256L << 20;
  private static final int LEAST_TOKENS = 16;

  private final Dataset<Row> rows;
  private ExecutorModel model = ExecutorModel.embedded();
  private @Nullable String text;
  private int documentTokens = 256;
  private Calibrator.Settings settings =
      new Calibrator.Settings(CoreOptions.DEFAULT_RULE, CoreOptions.DEFAULT_ALPHA, 0, 24, 0);

  private CoreInferCalibration(Dataset<Row> rows) {
    this.rows = rows;
  }

  public static CoreInferCalibration on(Dataset<?> rows) {
    return new CoreInferCalibration(rows.toDF());
  }

  /** A GGUF file or Hugging Face folder at a path that the driver and executors can read. */
  public CoreInferCalibration model(String path) {
    return model(ExecutorModel.at(path));
  }

  public CoreInferCalibration model(ExecutorModel value) {
    model = value;
    return this;
  }

  /** The column of documents, which are strings. */
  public CoreInferCalibration text(String column) {
    text = column;
    return this;
  }

  /** Of a document no more tokens are read; 256 by default. */
  public CoreInferCalibration documentTokens(int most) {
    if (most < LEAST_TOKENS) {
      throw new IllegalArgumentException(
          "document tokens=%d: expected %d or more".formatted(most, LEAST_TOKENS));
    }
    documentTokens = most;
    return this;
  }

  public CoreInferCalibration settings(Calibrator.Settings value) {
    settings = value;
    return this;
  }

  /**
   * Makes the calibration, now.
   *
   * @param log file on the driver where computed things are kept until the end, so that a run that
   *     broke off goes on
   * @throws IllegalArgumentException if there are too few documents
   */
  public Calibration run(Path log, Calibrator.Monitor monitor) {
    SparkSession spark = rows.sparkSession();
    SentFiles sent = SentFiles.of(spark.sparkContext());
    try (Engines.Lease lease = Engines.lease(model, TaskDevice.of(model.device()), sent)) {
      Model here = lease.engine().model();
      List<int[]> documents =
          Texts.tokens(
              here, rows, text, LEAST_TOKENS, Math.min(documentTokens, here.contextLength()));
      Calibrator calibrator =
          new Calibrator(
              here.decoder(), here.name(), here.fingerprint(), settings, here.cacheDtype());
      int longest = documents.stream().mapToInt(ids -> ids.length).max().orElse(1);
      ReadingTask task = new ReadingTask(model, sent, settings, longest, here.fingerprint());
      long bytes = 2L * here.config().layers() * here.config().neurons();
      JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
      int wave = (int) Math.max(context.defaultParallelism(), WAVE_BYTES / bytes);
      return calibrator.run(
          documents, log, monitor, (unread, scores) -> read(context, task, wave, unread, scores));
    }
  }

  private static void read(
      JavaSparkContext context,
      ReadingTask task,
      int wave,
      List<Unread> unread,
      BiConsumer<Unread, byte[]> scores) {
    for (int begin = 0; begin < unread.size(); begin += wave) {
      List<Unread> some =
          new ArrayList<>(unread.subList(begin, Math.min(unread.size(), begin + wave)));
      int slices = Math.min(some.size(), 4 * context.defaultParallelism());
      context
          .parallelize(some, slices)
          .mapPartitions(task)
          .collect()
          .forEach(read -> scores.accept(read._1(), read._2()));
    }
  }

  /**
   * Reads documents on an executor.
   *
   * @param fingerprint of the driver's model
   */
  private record ReadingTask(
      ExecutorModel model,
      SentFiles sent,
      Calibrator.Settings settings,
      int longest,
      byte[] fingerprint)
      implements FlatMapFunction<Iterator<Unread>, Tuple2<Unread, byte[]>> {
    @Override
    public Iterator<Tuple2<Unread, byte[]>> call(Iterator<Unread> documents) {
      List<Tuple2<Unread, byte[]>> read = new ArrayList<>();
      try (Engines.Lease lease = Engines.lease(model, TaskDevice.of(model.device()), sent)) {
        Model here = lease.engine().model();
        if (!Arrays.equals(fingerprint, here.fingerprint())) {
          throw new CoreInferException(
              here.name() + ": this executor has other weights in it than the driver");
        }
        try (DocumentScoring scoring =
            new DocumentScoring(here.decoder(), settings, longest, here.cacheDtype())) {
          documents.forEachRemaining(
              each -> read.add(new Tuple2<>(each, scoring.scores(each.ids()))));
        }
      }
      return read.iterator();
    }
  }
}
