package org.coreinfer.spark;

import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Prompts with numbers, and their answers in a form that can be compared. */
final class Prompts {
  static final StructType SCHEMA =
      new StructType().add("id", DataTypes.IntegerType).add("question", DataTypes.StringType);

  private static final List<String> HEROES = List.of("A cat", "Lily", "The man", "A bird");

  private Prompts() {}

  static String text(int id) {
    return "%s found %d ".formatted(HEROES.get(id % HEROES.size()), id);
  }

  /** So many prompts in so many partitions. */
  static Dataset<Row> of(SparkSession spark, int count, int partitions) {
    List<Row> rows =
        IntStream.range(0, count).mapToObj(id -> RowFactory.create(id, text(id))).toList();
    return spark.createDataFrame(rows, SCHEMA).repartition(partitions);
  }

  /** Answers without their times, in order of their numbers. */
  static List<Row> comparable(Dataset<Row> answers) {
    return answers
        .drop("timings")
        .withColumn("core", functions.to_json(functions.col("core")))
        .orderBy("id")
        .collectAsList();
  }
}
