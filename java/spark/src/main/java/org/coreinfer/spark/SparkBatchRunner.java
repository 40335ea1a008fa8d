package org.coreinfer.spark;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import org.coreinfer.Calibrations;
import org.coreinfer.cli.BatchJob;
import org.coreinfer.cli.BatchRunner;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/** {@code coreinfer batch}: starts Spark, or takes the session that there is. */
public final class SparkBatchRunner implements BatchRunner {
  /** Jars that executors of a cluster need, with commas between them; the launcher sets it. */
  private static final String JARS = "coreinfer.batch.jars";

  @Override
  public BatchJob.Outcome run(BatchJob job, BatchJob.Monitor monitor) {
    try {
      SparkSession spark = session(job.master());
      ExecutorModel model = model(job, spark);
      return new BatchRun(spark, job, model, options(job)).run(monitor);
    } catch (IllegalArgumentException e) {
      throw new CoreInferException(String.valueOf(e.getMessage()), e);
    }
  }

  private static SparkSession session(@Nullable String master) {
    SparkConf conf = new SparkConf().setIfMissing("spark.app.name", "coreinfer batch");
    if (master != null) {
      conf.setMaster(master);
    }
    conf.setIfMissing("spark.master", "local[*]");
    String jars = System.getProperty(JARS, "");
    if (TaskDevice.isAlone(conf)) {
      conf.setIfMissing("spark.ui.enabled", "false");
    } else if (!jars.isEmpty()) {
      conf.setIfMissing("spark.jars", jars);
    }
    return SparkSession.builder().config(conf).getOrCreate();
  }

  private static ExecutorModel model(BatchJob job, SparkSession spark) {
    Path path = job.model();
    Path calibration = job.calibration();
    ExecutorModel model;
    if (path == null) {
      model = ExecutorModel.embedded();
    } else if (job.isSent()) {
      model = ExecutorModel.added(send(spark, path));
    } else {
      model = ExecutorModel.at(path.toAbsolutePath().toString());
    }
    if (calibration != null) {
      model =
          model.withCalibration(
              job.isSent() ? send(spark, calibration) : calibration.toAbsolutePath().toString());
    } else if (job.isSent() && path != null) {
      Path beside = Calibrations.besides(path);
      if (Files.isRegularFile(path) && Files.exists(beside)) {
        send(spark, beside);
      }
    }
    return model
        .withDevice(job.device())
        .withThreads(job.threads())
        .withContextLength(job.context())
        .withSlots(job.slots());
  }

  private static String send(SparkSession spark, Path path) {
    spark.sparkContext().addFile(path.toAbsolutePath().toString(), true);
    return String.valueOf(path.getFileName());
  }

  private static BatchOptions options(BatchJob job) {
    BatchJob.Chat chat = job.chat();
    return new BatchOptions(
        job.request().maxTokens(),
        job.request().sampling(),
        job.core(),
        job.request().stop(),
        job.request().ignoreEos(),
        job.request().parseSpecial(),
        chat == null ? null : new BatchOptions.Chat(chat.system(), chat.template()),
        job.jsonSchema());
  }

  /**
   * What is said of a failed job: of Spark's tale the reason that an executor gave, if it is one of
   * ours.
   */
  static String reason(Throwable thrown) {
    List<String> sentences = new ArrayList<>();
    for (Throwable e = thrown; e != null; e = e.getCause()) {
      String message = String.valueOf(e.getMessage());
      if (e instanceof CoreInferException || e instanceof IllegalArgumentException) {
        return message;
      }
      int ours = message.indexOf("org.coreinfer.");
      if (ours >= 0) {
        String told = message.substring(ours).lines().findFirst().orElse("");
        return told.substring(told.indexOf(": ") + 2);
      }
      sentences.add(message.strip().lines().findFirst().orElse(""));
    }
    return sentences.isEmpty() ? "unknown" : sentences.get(0);
  }
}
