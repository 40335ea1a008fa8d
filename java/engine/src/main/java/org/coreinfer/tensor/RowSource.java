package org.coreinfer.tensor;

/** A matrix that is read row by row as floats, whatever it is stored in. */
@FunctionalInterface
public interface RowSource {
  /**
   * Reads one row.
   *
   * @param values as long as a row; all of it is overwritten
   */
  void read(int row, float[] values);

  /** The rows of a tensor, decoded. */
  static RowSource of(Tensor tensor) {
    long rowBytes = tensor.dtype().bytes(tensor.columns());
    return (row, values) ->
        RowCodec.decode(
            tensor.dtype(),
            tensor.memory().buffer(row * rowBytes, Math.toIntExact(rowBytes)),
            values);
  }
}
