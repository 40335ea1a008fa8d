package org.coreinfer.tensor;

/**
 * A named matrix in native memory, row-major; a vector is a matrix of one row.
 *
 * @param memory at least {@code dtype.bytes(rows * columns)} bytes; not owned
 */
public record Tensor(String name, DType dtype, int rows, int columns, NativeMemory memory) {
  public Tensor {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(name + ": rows=" + rows + " columns=" + columns);
    }
    long needed = dtype.bytes((long) rows * columns);
    if (memory.bytes() < needed) {
      throw new IllegalArgumentException(
          name + ": " + memory.bytes() + " bytes for a tensor of " + needed + " bytes");
    }
  }

  public long elements() {
    return (long) rows * columns;
  }

  public long bytes() {
    return dtype.bytes(elements());
  }

  public boolean isVector() {
    return rows == 1;
  }
}
