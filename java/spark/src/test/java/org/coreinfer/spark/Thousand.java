package org.coreinfer.spark;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** The answers to a thousand prompts in one partition, computed once for all tests. */
final class Thousand {
  static final int COUNT = 1000;
  static final ExecutorModel MODEL = ExecutorModel.embedded().withContextLength(128).withThreads(1);
  static final BatchOptions OPTIONS =
      BatchOptions.builder().maxTokens(3).keep(0.4).temperature(0.9).seed(7).build();

  private static List<Row> answers = List.of();

  private Thousand() {}

  static CoreInferBatch batch(Dataset<Row> rows) {
    return CoreInferBatch.on(rows).model(MODEL).prompt("question").key("id").options(OPTIONS);
  }

  static synchronized List<Row> answers(SparkSession spark) {
    if (answers.isEmpty()) {
      answers = Prompts.comparable(batch(Prompts.of(spark, COUNT, 1)).generate());
    }
    return answers;
  }
}
