package org.coreinfer.cli;

/**
 * Runs {@code coreinfer batch}. The one there is needs Spark, so it is found as a service, in the
 * module coreinfer-spark: whoever doesn't use it has no need of Spark.
 */
public interface BatchRunner {
  /**
   * Answers every row, but those of parts that are done already.
   *
   * @param monitor is called every now and then by the calling thread
   * @throws org.coreinfer.error.CoreInferException if the job failed; started again, it goes on
   */
  BatchJob.Outcome run(BatchJob job, BatchJob.Monitor monitor);
}
