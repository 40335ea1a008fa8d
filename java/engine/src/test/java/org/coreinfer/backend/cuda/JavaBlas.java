package org.coreinfer.backend.cuda;

import java.nio.ByteBuffer;
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
    Matrix left = new Matrix(a, lda, isTransposed ? m : k, isTransposed ? k : m, precision);
    Matrix right = new Matrix(b, ldb, n, k, precision);
    Matrix result = new Matrix(c, ldc, n, m, Precision.F32);
    double factor = new Matrix(alpha, 1, 1, 1, Precision.F32).get(0, 0);
    double kept = new Matrix(beta, 1, 1, 1, Precision.F32).get(0, 0);
    for (int column = 0; column < n; column++) {
      for (int row = 0; row < m; row++) {
        double sum = 0;
        for (int i = 0; i < k; i++) {
          sum += (isTransposed ? left.get(row, i) : left.get(i, row)) * right.get(column, i);
        }
        // cuBLAS does not read C where beta is 0.
        double old = kept == 0 ? 0 : kept * result.get(column, row);
        result.set(column, row, (float) (factor * sum + old));
      }
    }
  }

  /** A column-major matrix at an address of the simulated device, which is the host's. */
  private static final class Matrix {
    private final ByteBuffer bytes;
    private final int stride;
    private final Precision precision;

    Matrix(long address, int stride, int columns, int rows, Precision precision) {
      int elementBytes = precision == Precision.F16 ? Short.BYTES : Float.BYTES;
      int size = ((columns - 1) * stride + rows) * elementBytes;
      this.bytes = new NativeMemory("a matrix", address, size, () -> {}).buffer(0, size);
      this.stride = stride;
      this.precision = precision;
    }

    double get(int column, int row) {
      int index = column * stride + row;
      return precision == Precision.F16
          ? HalfFloat.toFloat(bytes.getShort(index * Short.BYTES))
          : bytes.getFloat(index * Float.BYTES);
    }

    void set(int column, int row, float value) {
      bytes.putFloat((column * stride + row) * Float.BYTES, value);
    }
  }

  @Override
  public void close() {}
}
