package org.coreinfer.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.function.LongConsumer;
import org.coreinfer.backend.cuda.CudaRuntime.Blas;
import org.coreinfer.backend.cuda.CudaRuntime.Precision;
import org.coreinfer.tensor.HalfFloat;
import org.coreinfer.tensor.NativeMemory;

/** cuBLAS's product, plain and in double precision, for the simulated device. */
final class JavaBlas implements Blas {
  private final LongConsumer synchronize;
  private long stream;

  JavaBlas(LongConsumer synchronize) {
    this.synchronize = synchronize;
  }

  @Override
  public void use(long newStream, long workspace, long bytes) {
    stream = newStream;
  }

  @Override
  public void multiply(
      Precision precision,
      boolean isTransposed,
      int m,
      int n,
      int k,
      long alpha,
      long a,
      int lda,
      long b,
      int ldb,
      long beta,
      long c,
      int ldc) {
    synchronize.accept(stream);
    // Column by column: what each sum runs over lies together.
    double[][] left =
        isTransposed
            ? columns(a, lda, m, k, precision)
            : transposed(columns(a, lda, k, m, precision), m);
    double[][] right = columns(b, ldb, n, k, precision);
    double factor = columns(alpha, 1, 1, 1, Precision.F32)[0][0];
    double kept = columns(beta, 1, 1, 1, Precision.F32)[0][0];
    try (NativeMemory memory = matrix(c, ldc, n, m, Float.BYTES)) {
      FloatBuffer result = memory.floats();
      for (int column = 0; column < n; column++) {
        for (int row = 0; row < m; row++) {
          int index = column * ldc + row;
          // cuBLAS does not read C where beta is 0.
          double old = kept == 0 ? 0 : kept * result.get(index);
          result.put(index, (float) (factor * dot(left[row], right[column]) + old));
        }
      }
    }
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  private static double[][] transposed(double[][] columns, int rows) {
    double[][] result = new double[rows][columns.length];
    for (int column = 0; column < columns.length; column++) {
      for (int row = 0; row < rows; row++) {
        result[row][column] = columns[column][row];
      }
    }
    return result;
  }

  /** A column-major matrix at an address of the simulated device, which is the host's. */
  private static NativeMemory matrix(
      long address, int stride, int columns, int rows, int elementBytes) {
    long bytes = ((columns - 1L) * stride + rows) * elementBytes;
    return new NativeMemory("a matrix", address, bytes, () -> {});
  }

  private static double[][] columns(
      long address, int stride, int columns, int rows, Precision precision) {
    boolean isHalf = precision == Precision.F16;
    int elementBytes = isHalf ? Short.BYTES : Float.BYTES;
    double[][] values = new double[columns][rows];
    try (NativeMemory memory = matrix(address, stride, columns, rows, elementBytes)) {
      ByteBuffer bytes = memory.buffer(0, Math.toIntExact(memory.bytes()));
      for (int column = 0; column < columns; column++) {
        for (int row = 0; row < rows; row++) {
          int at = (column * stride + row) * elementBytes;
          values[column][row] = isHalf ? HalfFloat.toFloat(bytes.getShort(at)) : bytes.getFloat(at);
        }
      }
    }
    return values;
  }

  @Override
  public void close() {}
}
