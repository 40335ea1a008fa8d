package org.coreinfer.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StringType;
import org.coreinfer.Model;
import org.jspecify.annotations.Nullable;

/** A dataset's documents as tokens, in its order. */
final class Texts {
  private Texts() {}

  /**
   * The documents, a partition at a time.
   *
   * @param column their column
   * @param least shorter documents are left out, as are null ones
   * @param most longer ones are cut
   */
  static List<int[]> tokens(
      Model model, Dataset<Row> rows, @Nullable String column, int least, int most) {
    if (column == null) {
      throw new IllegalArgumentException("say with text(…) which column holds the documents");
    }
    if (!(Columns.only(rows.schema(), column, "text").dataType() instanceof StringType)) {
      throw new IllegalArgumentException("text column '%s': expected strings".formatted(column));
    }
    List<int[]> documents = new ArrayList<>();
    Iterator<Row> texts = rows.select(Columns.of(rows, column)).toLocalIterator();
    while (texts.hasNext()) {
      Row row = texts.next();
      if (!row.isNullAt(0)) {
        int[] ids = model.tokenizer().encode(row.getString(0), true, false);
        if (ids.length >= least) {
          documents.add(Arrays.copyOf(ids, Math.min(ids.length, most)));
        }
      }
    }
    return documents;
  }
}
