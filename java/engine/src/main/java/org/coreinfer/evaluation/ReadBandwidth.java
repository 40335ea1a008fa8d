package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;

/**
 * How quickly a backend reads its memory, with its threads: an F32 matrix times a vector, which has
 * little to compute, and a matrix larger than caches. The memory is kept until {@link #close}. For
 * one thread at a time.
 */
public final class ReadBandwidth implements AutoCloseable {
  private static final int COLUMNS = 4096;
  private static final int MOST_ROWS = 32768; // 512 MiB
  private static final int LEAST_ROWS = 4096;
  private static final int REPETITIONS = 4;

  private final Backend backend;
  private final Resources memory = new Resources();
  private final Tensor matrix;
  private final NativeMemory x;
  private final NativeMemory y;
  private final List<Double> measured = new ArrayList<>();

  /**
   * @param backend whose memory is measured; the caller keeps it open
   * @throws OutOfNativeMemoryException if there is no room even for 64 MiB
   */
  public ReadBandwidth(Backend backend) {
    this.backend = backend;
    try {
      this.matrix = allocate(backend);
      memory.own(matrix.memory());
      this.x = memory.own(backend.allocateFloats("a vector", COLUMNS));
      this.y = memory.own(backend.allocateFloats("products", matrix.rows()));
      fill();
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  private static Tensor allocate(Backend backend) {
    for (int rows = MOST_ROWS; ; rows /= 2) {
      try {
        NativeMemory numbers =
            backend.allocateFloats("a matrix to measure bandwidth", (long) rows * COLUMNS);
        return new Tensor("a matrix", DType.F32, rows, COLUMNS, numbers);
      } catch (OutOfNativeMemoryException e) {
        if (rows == LEAST_ROWS) {
          throw e;
        }
      }
    }
  }

  /** Memory that was never written may all be one page of zeros. */
  private void fill() {
    float[] row = new float[COLUMNS];
    Arrays.fill(row, 1);
    backend.upload(row, x);
    long rowBytes = DType.F32.bytes(COLUMNS);
    for (int r = 0; r < matrix.rows(); r++) {
      backend.upload(row, matrix.memory().slice(r * rowBytes, rowBytes));
    }
    multiply(1);
  }

  private void multiply(int times) {
    for (int i = 0; i < times; i++) {
      backend.matvec(matrix, null, x, 1, false, y);
    }
    backend.synchronize();
  }

  /** Measures once more. */
  public void measure() {
    long begin = System.nanoTime();
    multiply(REPETITIONS);
    double seconds = (System.nanoTime() - begin) * 1e-9;
    measured.add(REPETITIONS * matrix.bytes() / seconds);
  }

  /** Bytes per second, the median of what was measured; at least once must come before. */
  public double bytesPerSecond() {
    return Rate.of(measured).median();
  }

  /** What is measured, for people. */
  public String description() {
    return "F32 matrix of %d MiB times a vector".formatted(matrix.bytes() >> 20);
  }

  @Override
  public void close() {
    memory.close();
  }
}
