package org.coreinfer.calibration;

import static org.apache.commons.math3.linear.MatrixUtils.solveLowerTriangularSystem;
import static org.apache.commons.math3.linear.MatrixUtils.solveUpperTriangularSystem;

import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.CholeskyDecomposition;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.RealVector;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.HalfFloat;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;

/**
 * The least squares of one layer: y is about {@code out (in x) + constant}, where {@code in} has
 * few rows (reduced-rank regression). More directions are probed than the result has, so that the
 * best of them are found. Sums are in the backend's memory. For one thread.
 */
final class LayerFit implements AutoCloseable {
  /** Of a second moment, a variance that may be rounding alone, as products are F32. */
  private static final double ROUNDING = 1e-6;

  private final Backend queue;
  private final int dim;
  private final int directions;
  private final Resources memory = new Resources();
  private final NativeMemory probes; // (directions, dim), random, of y
  private final NativeMemory found; // (directions, dim), what of x goes with them; then orthonormal
  private final NativeMemory products; // (directions + 1, dim): y with (found x, 1)
  private final double[][] gram; // (found x, 1) with itself, the lower half
  private boolean hasDirections;

  /**
   * What was fitted.
   *
   * @param in (directions, dim), F16
   * @param out (dim, directions), F16
   * @param constant (dim)
   */
  record Solution(short[] in, short[] out, float[] constant) {}

  /**
   * @param directions how many are probed
   */
  LayerFit(Backend queue, int dim, int directions) {
    this.queue = queue;
    this.dim = dim;
    this.directions = directions;
    this.gram = new double[directions + 1][directions + 1];
    try {
      this.probes = memory.own(queue.allocateFloats("directions", (long) directions * dim));
      this.found = memory.own(queue.allocateFloats("directions", (long) directions * dim));
      this.products = memory.own(queue.allocateFloats("products", (directions + 1L) * dim));
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    SplittableRandom random = new SplittableRandom(dim);
    float[] signs = new float[directions * dim];
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
    addTransposed(along(y, probes, tokens), directions, tokens, matrix(x, tokens), found);
  }

  private void addProducts(NativeMemory x, NativeMemory y, int tokens) {
    float[] along = along(x, found, tokens);
    float[] extended = new float[tokens * (directions + 1)];
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(along, t * directions, extended, t * (directions + 1), directions);
      extended[t * (directions + 1) + directions] = 1;
      for (int i = 0; i <= directions; i++) {
        double factor = extended[t * (directions + 1) + i];
        for (int j = 0; j <= i; j++) {
          gram[i][j] += factor * extended[t * (directions + 1) + j];
        }
      }
    }
    addTransposed(extended, directions + 1, tokens, matrix(y, tokens), products);
  }

  /** (tokens, directions): rows along axes (directions, dim). */
  private float[] along(NativeMemory rows, NativeMemory axes, int tokens) {
    try (NativeMemory result = queue.allocateFloats("products", (long) tokens * directions)) {
      queue.matmul(matrix(axes, directions), null, rows, tokens, false, result);
      return queue.downloadFloats(result, tokens * directions);
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
    float[] rows = queue.downloadFloats(found, directions * dim);
    for (int i = 0; i < directions; i++) {
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
   * @param rank rows of {@code in}, at most the directions
   * @param ridge how much of the directions' mean variance is added to each, so that few tokens do
   *     not decide too much
   */
  Solution solve(int rank, double ridge) {
    float[] right = queue.downloadFloats(products, (directions + 1) * dim);
    double tokens = gram[directions][directions];
    RealMatrix covariance = new Array2DRowRealMatrix(directions, directions);
    RealMatrix with = new Array2DRowRealMatrix(directions, dim);
    double variance = 0;
    double moment = 0;
    for (int i = 0; i < directions; i++) {
      double mean = gram[directions][i] / tokens;
      for (int j = 0; j <= i; j++) {
        double centred = gram[i][j] - mean * gram[directions][j];
        covariance.setEntry(i, j, centred);
        covariance.setEntry(j, i, centred);
      }
      variance += Math.max(0, covariance.getEntry(i, i)) / directions;
      moment += gram[i][i] / directions;
      for (int column = 0; column < dim; column++) {
        float all = right[directions * dim + column];
        with.setEntry(i, column, right[i * dim + column] - mean * all);
      }
    }
    double least = ridge * variance + ROUNDING * moment + Double.MIN_NORMAL;
    for (int i = 0; i < directions; i++) {
      covariance.addToEntry(i, i, least);
    }
    // With covariance = L L^T, the best map of any rank comes from the singular vectors of L^-1
    // with.
    CholeskyDecomposition cholesky = new CholeskyDecomposition(covariance, 1e-9, 0);
    RealMatrix left = cholesky.getL();
    RealMatrix whitened = byColumn(with, column -> solveLowerTriangularSystem(left, column));
    return solution(left, whitened, strongest(whitened, rank), right, tokens);
  }

  private static RealMatrix byColumn(RealMatrix matrix, Consumer<RealVector> solve) {
    RealMatrix solved = matrix.copy();
    for (int i = 0; i < matrix.getColumnDimension(); i++) {
      RealVector column = matrix.getColumnVector(i);
      solve.accept(column);
      solved.setColumnVector(i, column);
    }
    return solved;
  }

  /** (directions, rank): the first left singular vectors. */
  private static RealMatrix strongest(RealMatrix matrix, int rank) {
    EigenDecomposition eigen = new EigenDecomposition(matrix.multiply(matrix.transpose()));
    RealMatrix vectors = eigen.getV(); // by falling eigenvalue
    return vectors.getSubMatrix(0, vectors.getRowDimension() - 1, 0, rank - 1);
  }

  private Solution solution(
      RealMatrix left, RealMatrix whitened, RealMatrix strongest, float[] sums, double tokens) {
    int rank = strongest.getColumnDimension();
    RealMatrix right = left.transpose();
    RealMatrix inward = // (directions, rank)
        byColumn(strongest, column -> solveUpperTriangularSystem(right, column));
    RealMatrix outward = strongest.transpose().multiply(whitened); // (rank, dim)
    float[] rows = queue.downloadFloats(found, directions * dim);
    short[] in = new short[rank * dim];
    short[] out = new short[dim * rank];
    float[] constant = new float[dim];
    for (int i = 0; i < rank; i++) {
      double size = 0;
      double[] row = new double[dim];
      double mean = 0;
      for (int k = 0; k < directions; k++) {
        double factor = inward.getEntry(k, i);
        mean += factor * gram[directions][k] / tokens;
        for (int column = 0; column < dim; column++) {
          row[column] += factor * rows[k * dim + column];
        }
      }
      for (double value : row) {
        size = Math.max(size, Math.abs(value));
      }
      double scale = size > 0 ? 1 / size : 0; // both halves stay in F16's range
      for (int column = 0; column < dim; column++) {
        double outwards = outward.getEntry(i, column);
        in[i * dim + column] = HalfFloat.fromFloat((float) (row[column] * scale));
        out[column * rank + i] = HalfFloat.fromFloat((float) (outwards * size));
        constant[column] -= (float) (mean * outwards);
      }
    }
    for (int column = 0; column < dim; column++) {
      constant[column] += (float) (sums[directions * dim + column] / tokens);
    }
    return new Solution(in, out, constant);
  }

  @Override
  public void close() {
    memory.close();
  }
}
