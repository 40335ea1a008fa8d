package org.coreinfer.spark;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Timings;

/**
 * The columns that answers add to rows: {@code text}, {@code tokens}, {@code finish_reason}, {@code
 * timings}, {@code core} and {@code error}. Of a row that failed all but the last are null, of
 * others the last.
 *
 * @param prefix of their names
 */
record AnswerColumns(String prefix) implements Serializable {
  static final String TEXT = "text";
  static final String TOKENS = "tokens";
  static final String FINISH_REASON = "finish_reason";
  static final String TIMINGS = "timings";
  static final String CORE = "core";
  static final String ERROR = "error";

  /** Columns that CSV has no form for. */
  static final List<String> NESTED = List.of(TOKENS, TIMINGS, CORE);

  private static final StructType TIMINGS_TYPE =
      new StructType()
          .add("prompt_tokens", DataTypes.IntegerType, false)
          .add("cached_tokens", DataTypes.IntegerType, false)
          .add("prefill_ms", DataTypes.DoubleType, false)
          .add("select_ms", DataTypes.DoubleType, false)
          .add("decode_steps", DataTypes.IntegerType, false)
          .add("decode_ms", DataTypes.DoubleType, false);

  private static final StructType CORE_TYPE =
      new StructType()
          .add("method", DataTypes.StringType, false)
          .add("rule", DataTypes.StringType, false)
          .add("alpha", DataTypes.DoubleType, false)
          .add("keep", DataTypes.DoubleType, false)
          .add("neurons_per_layer", DataTypes.createArrayType(DataTypes.IntegerType, false), false)
          .add("refreshes", DataTypes.IntegerType, false)
          .add("drafted", DataTypes.IntegerType, true)
          .add("accepted", DataTypes.IntegerType, true);

  private static final StructType TYPE =
      new StructType()
          .add(TEXT, DataTypes.StringType)
          .add(TOKENS, DataTypes.createArrayType(DataTypes.IntegerType, false))
          .add(FINISH_REASON, DataTypes.StringType)
          .add(TIMINGS, TIMINGS_TYPE)
          .add(CORE, CORE_TYPE)
          .add(ERROR, DataTypes.StringType);

  /**
   * A schema with these columns after its own.
   *
   * @throws IllegalArgumentException if it has one of that name already
   */
  StructType addedTo(StructType schema) {
    StructType all = schema;
    for (StructField field : TYPE.fields()) {
      String name = prefix + field.name();
      if (Arrays.stream(schema.fieldNames()).anyMatch(name::equalsIgnoreCase)) {
        throw new IllegalArgumentException(
            "the rows have a column '%s' already: rename it, or give the answers' columns another prefix"
                .formatted(name));
      }
      all = all.add(name, field.dataType(), field.nullable());
    }
    return all;
  }

  /** A row's values before the columns of {@link #TYPE}, without what comes after {@code own}. */
  private static Object[] begun(Row row, int own) {
    Object[] values = new Object[own + TYPE.length()];
    for (int i = 0; i < own; i++) {
      values[i] = row.get(i);
    }
    return values;
  }

  /**
   * A row with its answer.
   *
   * @param own how many of the row's columns are kept
   */
  static Row answered(Row row, int own, GenerationResult result) {
    Object[] values = begun(row, own);
    values[own] = result.text();
    values[own + 1] = result.tokens().toArray(Integer[]::new);
    values[own + 2] = result.finishReason().label();
    values[own + 3] = timings(result);
    values[own + 4] = core(result);
    return RowFactory.create(values);
  }

  /** A row that could not be answered. */
  static Row failed(Row row, int own, String error) {
    Object[] values = begun(row, own);
    values[values.length - 1] = error;
    return RowFactory.create(values);
  }

  private static Row timings(GenerationResult result) {
    Timings timings = result.timings();
    return RowFactory.create(
        result.promptTokens().size(),
        result.cachedTokens(),
        timings.prefillNanos() / 1e6,
        timings.selectNanos() / 1e6,
        timings.decodeSteps(),
        timings.decodeNanos() / 1e6);
  }

  private static Row core(GenerationResult result) {
    CoreOptions core = result.core();
    Drafts drafts = result.drafts();
    return RowFactory.create(
        core.method().name().toLowerCase(Locale.ROOT),
        core.rule(),
        core.alpha(),
        core.keep(),
        result.neuronsPerLayer().toArray(Integer[]::new),
        result.refreshes().count(),
        drafts == null ? null : drafts.drafted(),
        drafts == null ? null : drafts.accepted());
  }
}
