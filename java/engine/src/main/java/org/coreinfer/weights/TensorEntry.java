package org.coreinfer.weights;

import java.util.Arrays;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * A tensor as a file's header describes it.
 *
 * @param rows 0 if it is unsupported, as {@code columns}
 * @param dtype null if it is unsupported
 * @param unsupported why it can't be used; null if it can
 * @param begin of its data, from the start of the file
 * @param end after its data
 */
record TensorEntry(
    String name,
    @Nullable DType dtype,
    int rows,
    int columns,
    @Nullable String unsupported,
    long begin,
    long end) {
  /**
   * Decides whether a tensor can be used.
   *
   * @param dtypeName what the file calls its dtype
   * @param dtype null if this library has no such dtype
   * @param shape outermost dimension first
   */
  static TensorEntry of(
      String name, String dtypeName, @Nullable DType dtype, long[] shape, long begin, long end) {
    String problem = dtype == null ? dtypeProblem(dtypeName) : shapeProblem(shape);
    if (problem != null) {
      return new TensorEntry(name, null, 0, 0, problem, begin, end);
    }
    int rows = shape.length == 1 ? 1 : (int) shape[0];
    int columns = (int) shape[shape.length - 1];
    return new TensorEntry(name, dtype, rows, columns, null, begin, end);
  }

  private static String dtypeProblem(String dtypeName) {
    return "dtype " + dtypeName + " is not supported, only " + GgmlType.supported();
  }

  private static @Nullable String shapeProblem(long[] shape) {
    if (shape.length < 1 || shape.length > 2) {
      return "its shape has " + shape.length + " dimensions, expected 1 or 2";
    }
    for (long dimension : shape) {
      if (dimension < 1 || dimension > Integer.MAX_VALUE) {
        return "its shape " + Arrays.toString(shape) + " has a dimension out of range";
      }
    }
    return null;
  }
}
