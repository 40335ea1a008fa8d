package org.coreinfer.spark;

import java.util.Locale;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Tables in the formats that {@code coreinfer batch} reads and writes. */
enum Tables {
  PARQUET("parquet"),
  JSONL("json"),
  CSV("csv");

  private final String spark;

  Tables(String spark) {
    this.spark = spark;
  }

  static Tables of(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }

  /** Reads what others wrote. */
  Dataset<Row> read(SparkSession session, String path) {
    return switch (this) {
      case PARQUET -> session.read().parquet(path);
      case JSONL -> session.read().json(path);
      case CSV ->
          session
              .read()
              .option("header", "true")
              .option("multiLine", "true")
              .option("escape", "\"")
              .csv(path);
    };
  }

  /** Reads what {@link #writer} wrote. */
  Dataset<Row> readBack(SparkSession session, String path, StructType written) {
    return this == CSV
        ? read(session, path)
        : session.read().schema(written).format(spark).load(path);
  }

  /** Rows as the format can hold them: for CSV what is nested becomes JSON. */
  Dataset<Row> fitted(Dataset<Row> rows) {
    Dataset<Row> fitted = rows;
    if (this == CSV) {
      for (StructField field : rows.schema().fields()) {
        String type = field.dataType().typeName();
        if (type.equals("array") || type.equals("struct") || type.equals("map")) {
          fitted =
              fitted.withColumn(field.name(), functions.to_json(Columns.of(rows, field.name())));
        }
      }
    }
    return fitted;
  }

  DataFrameWriter<Row> writer(Dataset<Row> rows) {
    DataFrameWriter<Row> writer = rows.write().format(spark);
    return switch (this) {
      case PARQUET -> writer;
      case JSONL -> writer.option("ignoreNullFields", "false");
      case CSV -> writer.option("header", "true").option("escape", "\"");
    };
  }
}
