package org.coreinfer.spark;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** A row's key as a number, and the seed that follows from it. */
final class RowKeys {
  private RowKeys() {}

  /**
   * The hash of some columns (Spark's {@code xxhash64}), which no partitioning and no order
   * changes.
   *
   * @param names of columns; none for all of them
   * @throws IllegalArgumentException if one is missing, or can't be hashed
   */
  static Column hash(Dataset<Row> rows, List<String> names) {
    List<String> chosen = names.isEmpty() ? Arrays.asList(rows.columns()) : names;
    StructType schema = rows.schema();
    for (String name : chosen) {
      StructField field = Columns.only(schema, name, "key");
      if (holdsMap(field.dataType())) {
        throw new IllegalArgumentException(
            "the column '%s' is or holds a map, which has no order to be hashed in: name other columns as the key"
                .formatted(name));
      }
    }
    return functions.xxhash64(
        chosen.stream().map(name -> Columns.of(rows, name)).toArray(Column[]::new));
  }

  private static boolean holdsMap(DataType type) {
    if (type instanceof ArrayType array) {
      return holdsMap(array.elementType());
    }
    if (type instanceof StructType struct) {
      return Arrays.stream(struct.fields()).anyMatch(field -> holdsMap(field.dataType()));
    }
    return type instanceof MapType;
  }

  /** A row's seed: the job's and the key's hash, mixed (SplitMix64's finisher). */
  static long seed(long jobSeed, long key) {
    return mixed(mixed(jobSeed + 0x9E3779B97F4A7C15L) ^ key);
  }

  private static long mixed(long bits) {
    long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
