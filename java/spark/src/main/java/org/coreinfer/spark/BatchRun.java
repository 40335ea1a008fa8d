package org.coreinfer.spark;

import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.HashPartitioner;
import org.apache.spark.SparkExecutorInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.coreinfer.cli.BatchJob;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * One run of {@code coreinfer batch}. Rows are divided into parts by the hashes of their keys, so
 * that each run divides them alike; a part is one task, and one file once the task is done. A run
 * computes the parts whose files are not there.
 */
final class BatchRun {
  private static final String KEY = "__coreinfer_part_key";
  private static final int ROWS_PER_PART = 500;
  private static final int MOST_PARTS = 10_000;
  private static final long LOOK_MILLIS = 200;
  private static final long CANCEL_NANOS = 30_000_000_000L;

  private final SparkSession spark;
  private final BatchJob job;
  private final ExecutorModel model;
  private final BatchOptions options;
  private final Tables target;
  private final PartFolder folder;

  BatchRun(SparkSession spark, BatchJob job, ExecutorModel model, BatchOptions options) {
    this.spark = spark;
    this.job = job;
    this.model = model;
    this.options = options;
    this.target = Tables.of(job.outputFormat());
    this.folder = new PartFolder(job.output(), spark.sparkContext().hadoopConfiguration());
  }

  BatchJob.Outcome run(BatchJob.Monitor monitor) {
    PartFolder.Manifest begun = folder.manifest();
    Set<Integer> done = begun == null ? Set.of() : folder.done();
    PartFolder.Manifest before =
        done.isEmpty() ? null : begun; // else there is nothing to go on with
    Dataset<Row> rows = read();
    Dataset<Row> keyed = rows.withColumn(KEY, RowKeys.hash(rows, job.keyColumns()));
    answers(rows); // refuses columns before anything is computed
    PartFolder.Manifest manifest = manifest(keyed, before);
    if (before == null) {
      folder.begin(manifest);
    } else {
      requireSame(before, manifest);
    }
    Dataset<Row> answered = target.fitted(answers(divided(keyed, manifest.parts(), done)));
    if (done.size() < manifest.parts()) {
      write(answered, manifest.parts(), done.size(), monitor);
    }
    return outcome(answered, manifest, done.size());
  }

  private Dataset<Row> read() {
    try {
      return Tables.of(job.inputFormat()).read(spark, job.input());
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) { // Spark's checked AnalysisException, which Scala does not declare
      throw new CoreInferException(job.input() + ": cannot be read: " + firstLine(e), e);
    }
  }

  private Dataset<Row> answers(Dataset<Row> rows) {
    return CoreInferBatch.on(rows)
        .model(model)
        .prompt(job.promptColumn())
        .key(job.keyColumns().toArray(String[]::new))
        .options(options)
        .prefix(job.prefix())
        .generate();
  }

  private PartFolder.Manifest manifest(Dataset<Row> keyed, PartFolder.@Nullable Manifest before) {
    // What answers follow from, in any order.
    Column hash = RowKeys.hash(keyed, List.of(job.promptColumn(), KEY));
    Row facts =
        keyed
            .select(hash.cast("decimal(38,0)").as("h"))
            .agg(functions.count("h"), functions.sum("h"))
            .head();
    long count = facts.getLong(0);
    String content = facts.isNullAt(1) ? "" : facts.getDecimal(1).toPlainString();
    int parts = job.parts();
    if (parts == 0) {
      int least = 2 * spark.sparkContext().defaultParallelism();
      long wanted = Math.max(least, (count + ROWS_PER_PART - 1) / ROWS_PER_PART);
      parts = before == null ? (int) Math.min(wanted, MOST_PARTS) : before.parts();
    }
    String all =
        "prompt %s, keys %s, prefix '%s', %s (%s), calibration %s, context %d, %s, as %s"
            .formatted(
                job.promptColumn(),
                job.keyColumns(),
                job.prefix(),
                model,
                model.place(),
                model.calibration(),
                model.contextLength(),
                options,
                target);
    return new PartFolder.Manifest(parts, count, content, all);
  }

  private void requireSame(PartFolder.Manifest before, PartFolder.Manifest now) {
    String differs = null;
    if (before.rows() != now.rows() || !before.content().equals(now.content())) {
      differs = "another input, of %,d rows (now %,d)".formatted(before.rows(), now.rows());
    } else if (!before.options().equals(now.options())) {
      differs = "other options: " + before.options() + "; now " + now.options();
    } else if (before.parts() != now.parts()) {
      differs = "%d parts, now %d".formatted(before.parts(), now.parts());
    }
    if (differs != null) {
      throw new CoreInferException(
          "%s: was begun with %s; give the same again to go on, or name another folder"
              .formatted(job.output(), differs));
    }
  }

  /** The rows of parts that are not done, part by part; those that are done are empty. */
  private Dataset<Row> divided(Dataset<Row> keyed, int parts, Set<Integer> done) {
    int key = keyed.schema().fieldIndex(KEY);
    HashPartitioner division = new HashPartitioner(parts);
    var rows =
        keyed
            .toJavaRDD()
            .mapToPair(row -> new Tuple2<>(row.getLong(key), row))
            .filter(pair -> !done.contains(division.getPartition(pair._1())))
            .partitionBy(division)
            .values();
    return spark.createDataFrame(rows, keyed.schema()).drop(KEY);
  }

  /** Lets Spark work on another thread, and looks after it. */
  private void write(Dataset<Row> answered, int parts, int done, BatchJob.Monitor monitor) {
    AtomicInteger ended = new AtomicInteger();
    SparkListener counter =
        new SparkListener() {
          @Override
          public void onTaskEnd(SparkListenerTaskEnd end) {
            if (end.taskType().equals("ResultTask") && end.taskInfo().successful()) {
              ended.incrementAndGet();
            }
          }
        };
    spark.sparkContext().addSparkListener(counter);
    // Version 2 moves a task's file when the task is done, not all files when the job is.
    CompletableFuture<Void> work =
        CompletableFuture.runAsync(
            () ->
                target
                    .writer(answered)
                    .mode(SaveMode.Append)
                    .option("mapreduce.fileoutputcommitter.algorithm.version", "2")
                    .save(job.output()),
            task -> new Thread(task, "coreinfer-batch").start());
    try {
      while (!isOver(work)) {
        monitor.progress(Math.min(1, (double) Math.max(done, ended.get()) / parts));
      }
    } catch (InterruptedException e) {
      cancel(work);
      Thread.currentThread().interrupt();
      throw new CoreInferException("interrupted", e);
    } catch (RuntimeException e) {
      cancel(work);
      throw e;
    } finally {
      spark.sparkContext().removeSparkListener(counter);
    }
  }

  /** Ends the work, and waits for its tasks: one that runs on could move its file later. */
  private void cancel(CompletableFuture<Void> work) {
    spark.sparkContext().cancelAllJobs();
    long end = System.nanoTime() + CANCEL_NANOS;
    try {
      while ((!work.isDone() || isRunning()) && System.nanoTime() < end) {
        Thread.sleep(LOOK_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isRunning() {
    for (SparkExecutorInfo executor : spark.sparkContext().statusTracker().getExecutorInfos()) {
      if (executor.numRunningTasks() > 0) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOver(CompletableFuture<Void> work) throws InterruptedException {
    try {
      work.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new CoreInferException(SparkBatchRunner.reason(e), e);
    }
  }

  /** Counts what is there now: no row may be missing. */
  private BatchJob.Outcome outcome(Dataset<Row> answered, PartFolder.Manifest manifest, int done) {
    String error = job.prefix() + AnswerColumns.ERROR;
    Dataset<Row> written = target.readBack(spark, job.output(), answered.schema());
    Row counts =
        written
            .agg(functions.count(functions.lit(1)), functions.count(Columns.of(written, error)))
            .head();
    if (counts.getLong(0) != manifest.rows()) {
      throw new CoreInferException(
          "%s: holds %,d rows, but there are %,d in %s; delete the folder to begin anew"
              .formatted(job.output(), counts.getLong(0), manifest.rows(), job.input()));
    }
    return new BatchJob.Outcome(
        job.output(), counts.getLong(0), counts.getLong(1), manifest.parts(), done);
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
