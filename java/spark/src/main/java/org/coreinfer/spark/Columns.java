package org.coreinfer.spark;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Columns by their names, dots and all. */
final class Columns {
  private Columns() {}

  static Column of(Dataset<Row> rows, String name) {
    return rows.col("`" + name.replace("`", "``") + "`");
  }

  /**
   * The one column of a name.
   *
   * @param role what it was named as, for messages
   * @throws IllegalArgumentException if there is none, or there are several
   */
  static StructField only(StructType schema, String name, String role) {
    List<StructField> found =
        Arrays.stream(schema.fields()).filter(field -> field.name().equals(name)).toList();
    if (found.size() != 1) {
      throw new IllegalArgumentException(
          "%s column '%s': there %s; the columns are %s"
              .formatted(
                  role,
                  name,
                  found.isEmpty() ? "is none" : "are " + found.size() + " of this name",
                  String.join(", ", schema.fieldNames())));
    }
    return found.get(0);
  }
}
