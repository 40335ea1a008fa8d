package org.coreinfer.calibration;

import java.util.SplittableRandom;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.CholeskyDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.HalfFloat;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;

/**
 * The least squares of one layer: y is about {@code out (in x) + constant}. Sums are in the
 * backend's memory. For one thread.
 */
final class LayerFit implements AutoCloseable {
  private final Backend queue;
  private final int dim;
  private final int rank;
  private final Resources memory = new Resources();
  private final NativeMemory probes; // (rank, dim), random directions of y
  private final NativeMemory found; // (rank, dim), what of x goes with them; then orthonormal
  private final NativeMemory products; // (rank + 1, dim): y with (in x, 1)
  private final double[][] gram; // (rank + 1, rank + 1): (in x, 1) with itself
  private boolean hasDirections;

  /**
   * What was fitted.
   *
   * @param in (rank, dim), F16
   * @param out (dim, rank), F16
   * @param constant (dim)
   */
  record Solution(short[] in, short[] out, float[] constant) {}

  LayerFit(Backend queue, int dim, int rank) {
    this.queue = queue;
    this.dim = dim;
    this.rank = rank;
    this.gram = new double[rank + 1][rank + 1];
    try {
      this.probes = memory.own(queue.allocateFloats("directions", (long) rank * dim));
      this.found = memory.own(queue.allocateFloats("directions", (long) rank * dim));
      this.products = memory.own(queue.allocateFloats("products", (rank + 1L) * dim));
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    SplittableRandom random = new SplittableRandom(dim);
    float[] signs = new float[rank * dim];
    for (int i = 0; i < signs.length; i++) {
      signs[i] = random.nextBoolean() ? 1 : -1;
    }
    queue.upload(signs, probes);
  }

  /** Adds tokens: x and y (tokens, dim). */
  void observe(NativeMemory x, NativeMemory y, int tokens) {
    if (hasDirections) {
      addProducts(x, y, tokens);
    } else {
      addDirections(x, y, tokens);
    }
  }

  private Tensor matrix(NativeMemory memory, int rows) {
    return new Tensor("sums of a fit", DType.F32, rows, dim, memory);
  }

  /** found += (y probes^T)^T x. */
  private void addDirections(NativeMemory x, NativeMemory y, int tokens) {
    addTransposed(along(y, probes, tokens), rank, tokens, matrix(x, tokens), found);
  }

  private void addProducts(NativeMemory x, NativeMemory y, int tokens) {
    float[] along = along(x, found, tokens);
    float[] extended = new float[tokens * (rank + 1)];
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(along, t * rank, extended, t * (rank + 1), rank);
      extended[t * (rank + 1) + rank] = 1;
      for (int i = 0; i <= rank; i++) {
        double factor = extended[t * (rank + 1) + i];
        for (int j = 0; j <= i; j++) {
          gram[i][j] += factor * extended[t * (rank + 1) + j];
        }
      }
    }
    addTransposed(extended, rank + 1, tokens, matrix(y, tokens), products);
  }

  /** (tokens, rank): rows along directions (rank, dim). */
  private float[] along(NativeMemory rows, NativeMemory directions, int tokens) {
    try (NativeMemory result = queue.allocateFloats("products", (long) tokens * rank)) {
      queue.matmul(matrix(directions, rank), null, rows, tokens, false, result);
      return queue.downloadFloats(result, tokens * rank);
    }
  }

  /** target (width, dim) += the transpose of factors (tokens, width), times rows (tokens, dim). */
  private void addTransposed(
      float[] factors, int width, int tokens, Tensor rows, NativeMemory target) {
    float[] transposed = new float[factors.length];
    for (int t = 0; t < tokens; t++) {
      for (int i = 0; i < width; i++) {
        transposed[i * tokens + t] = factors[t * width + i];
      }
    }
    try (NativeMemory x = queue.allocateFloats("products", transposed.length)) {
      queue.upload(transposed, x);
      queue.matmulTransposed(rows, x, width, target);
    }
  }

  /** Makes the directions orthonormal (Gram-Schmidt, twice); from now on products are summed. */
  void findDirections() {
    float[] rows = queue.downloadFloats(found, rank * dim);
    for (int i = 0; i < rank; i++) {
      double before = Math.sqrt(dot(rows, i, i));
      for (int j = 0; j < 2 * i; j++) {
        subtract(rows, i, j % i);
      }
      double length = Math.sqrt(dot(rows, i, i));
      // A direction that others explain has no part in the map.
      double factor = length > 1e-5 * before ? 1 / length : 0;
      for (int column = 0; column < dim; column++) {
        rows[i * dim + column] = (float) (rows[i * dim + column] * factor);
      }
    }
    queue.upload(rows, found);
    hasDirections = true;
  }

  private double dot(float[] rows, int i, int j) {
    double sum = 0;
    for (int column = 0; column < dim; column++) {
      sum += (double) rows[i * dim + column] * rows[j * dim + column];
    }
    return sum;
  }

  private void subtract(float[] rows, int from, int other) {
    double share = dot(rows, from, other);
    for (int column = 0; column < dim; column++) {
      rows[from * dim + column] -= (float) (share * rows[other * dim + column]);
    }
  }

  /**
   * The solution.
   *
   * @param ridge how much of the directions' mean square is added to each, so that few tokens do
   *     not decide too much
   */
  Solution solve(double ridge) {
    float[] right = queue.downloadFloats(products, (rank + 1) * dim);
    double mean = 0;
    for (int i = 0; i < rank; i++) {
      mean += gram[i][i] / rank;
    }
    double[][] left = new double[rank + 1][rank + 1];
    for (int i = 0; i <= rank; i++) {
      for (int j = 0; j <= i; j++) {
        left[i][j] = gram[i][j];
        left[j][i] = gram[i][j];
      }
      left[i][i] += i < rank ? ridge * mean + Double.MIN_NORMAL : 1e-9;
    }
    double[][] sides = new double[rank + 1][dim];
    for (int i = 0; i <= rank; i++) {
      for (int column = 0; column < dim; column++) {
        sides[i][column] = right[i * dim + column];
      }
    }
    RealMatrix solved =
        new CholeskyDecomposition(new Array2DRowRealMatrix(left, false), 1e-9, 0)
            .getSolver()
            .solve(new Array2DRowRealMatrix(sides, false));
    return solution(solved);
  }

  private Solution solution(RealMatrix solved) {
    float[] directions = queue.downloadFloats(found, rank * dim);
    short[] in = new short[rank * dim];
    for (int i = 0; i < in.length; i++) {
      in[i] = HalfFloat.fromFloat(directions[i]);
    }
    short[] out = new short[dim * rank];
    float[] constant = new float[dim];
    for (int column = 0; column < dim; column++) {
      for (int i = 0; i < rank; i++) {
        out[column * rank + i] = HalfFloat.fromFloat((float) solved.getEntry(i, column));
      }
      constant[column] = (float) solved.getEntry(rank, column);
    }
    return new Solution(in, out, constant);
  }

  @Override
  public void close() {
    memory.close();
  }
}
