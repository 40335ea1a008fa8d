package org.coreinfer.backend.cuda;

import java.util.List;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.cuda.CudaRuntime.Precision;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Prefill's dense products by cuBLAS. Sums are F32 always; what goes in depends on the weights:
 *
 * <ul>
 *   <li>F32: as it is, without TF32's rounding.
 *   <li>F16: activations are scaled by a power of two and rounded to F16's 11 bits.
 *   <li>Q8_0, Q4_0: the same, weights converted to F16 tile by tile; a quant times its scale has
 *       fewer bits than it keeps.
 *   <li>BF16: weights go into F32 tiles, exact, for F16 has no room for their exponents; the
 *       product is TF32's, which keeps 11 bits of the activations where BF16 would keep 8.
 * </ul>
 *
 * So a product is off by about 2^-12 of each term, as in other engines. Scratch memory is shared by
 * all queues, which take turns. Thread-safe.
 */
final class DenseProducts implements AutoCloseable {
  private static final long TILE_BYTES = 32L << 20;
  private static final long WORKSPACE_BYTES = 32L << 20;
  private static final int GROUP = 32;

  private final CudaDevice device;
  private final CudaRuntime.Blas blas;
  private final CudaBackend owner; // of the scratch memory
  private final long lastUse; // event
  private final NativeMemory scalars; // F32: 1, 0, the scale of the activations
  private final NativeMemory workspace;
  private final Scratch half = new Scratch("activations as F16");
  private final Scratch tile = new Scratch("weights to multiply with");
  private final Scratch gates = new Scratch("gates");

  DenseProducts(CudaDevice device, CudaRuntime.Blas blas) {
    this.device = device;
    this.blas = blas;
    this.owner = CudaBackend.unshared(device);
    this.lastUse = device.runtime().newEvent(false);
    this.scalars = owner.allocateFloats("factors of products", 3);
    this.workspace = owner.allocate("cuBLAS", WORKSPACE_BYTES);
    owner.upload(new float[] {1, 0, 1}, scalars);
  }

  /** The scratch memory for {@code tokens} rows of at most {@code widest} elements. */
  static long scratchBytes(int tokens, int widest, int neurons) {
    return WORKSPACE_BYTES
        + TILE_BYTES
        + (long) tokens * Math.max(widest, neurons) * Short.BYTES
        + (long) tokens * neurons * Float.BYTES;
  }

  private long one() {
    return scalars.address();
  }

  private long zero() {
    return scalars.address() + Float.BYTES;
  }

  private long scale() {
    return scalars.address() + 2 * Float.BYTES;
  }

  /** y = weight x + bias for each row of x, or y +=. */
  synchronized void matmul(
      CudaBackend queue,
      Tensor weight,
      @Nullable NativeMemory bias,
      NativeMemory x,
      int tokens,
      boolean accumulate,
      NativeMemory y) {
    begin(queue);
    try {
      if (bias != null) {
        queue.addBias(bias, tokens, weight.rows(), accumulate, y);
      }
      Rows rows = rows(queue, weight.dtype(), x, (long) tokens * weight.columns());
      multiply(queue, weight, rows, tokens, accumulate || bias != null, y);
    } finally {
      end(queue);
    }
  }

  /** y += x weight for each row of x. */
  synchronized void matmulTransposed(
      CudaBackend queue, Tensor weight, NativeMemory x, int tokens, NativeMemory y) {
    begin(queue);
    try {
      multiplyTransposed(queue, weight, x, tokens, y);
    } finally {
      end(queue);
    }
  }

  /** Kernels#ffnPrefill. */
  synchronized void ffn(
      CudaBackend queue,
      FfnWeights weights,
      NativeMemory x,
      int tokens,
      NativeMemory activations,
      NativeMemory y) {
    begin(queue);
    try {
      activate(queue, weights, x, tokens, activations);
      if (weights.downBias() != null) {
        queue.addBias(weights.downBias(), tokens, weights.dim(), true, y);
      }
      multiplyTransposed(queue, weights.down(), activations, tokens, y);
    } finally {
      end(queue);
    }
  }

  private void activate(
      CudaBackend queue, FfnWeights weights, NativeMemory x, int tokens, NativeMemory activations) {
    Rows rows = rows(queue, weights.up().dtype(), x, (long) tokens * weights.dim());
    NativeMemory gate = null;
    if (weights.gate() != null) {
      gate = gates.atLeast((long) tokens * weights.neurons() * Float.BYTES);
      multiply(queue, weights.gate(), rows, tokens, false, gate);
    }
    multiply(queue, weights.up(), rows, tokens, false, activations);
    queue.activate(weights, gate, tokens, activations);
  }

  /** Rows of activations as a product takes them. */
  private record Rows(long address, Precision precision, long factor) {
    int elementBytes() {
      return precision == Precision.F16 ? Short.BYTES : Float.BYTES;
    }
  }

  private Rows rows(CudaBackend queue, DType weights, NativeMemory x, long count) {
    Precision precision = precision(weights);
    if (precision != Precision.F16) {
      return new Rows(x.address(), precision, one());
    }
    NativeMemory target = half.atLeast(count * Short.BYTES);
    queue.toHalf(x, count, target, scale());
    return new Rows(target.address(), precision, scale());
  }

  private static Precision precision(DType weights) {
    return switch (weights) {
      case F32 -> Precision.F32;
      case BF16 -> Precision.TF32;
      default -> Precision.F16;
    };
  }

  /** y = rows weight^T, or +=: row-major matrices are column-major ones, transposed. */
  private void multiply(
      CudaBackend queue, Tensor weight, Rows rows, int tokens, boolean adds, NativeMemory y) {
    int columns = weight.columns();
    forEachTile(
        queue,
        weight,
        (first, count, address) ->
            blas.multiply(
                rows.precision,
                true,
                count,
                tokens,
                columns,
                rows.factor,
                address,
                columns,
                rows.address,
                columns,
                adds ? one() : zero(),
                y.address() + (long) first * Float.BYTES,
                weight.rows()));
  }

  /** y += x weight, tile by tile of the weight's rows. */
  private void multiplyTransposed(
      CudaBackend queue, Tensor weight, NativeMemory x, int tokens, NativeMemory y) {
    int depth = weight.rows();
    int columns = weight.columns();
    Rows rows = rows(queue, weight.dtype(), x, (long) tokens * depth);
    forEachTile(
        queue,
        weight,
        (first, count, address) ->
            blas.multiply(
                rows.precision,
                false,
                columns,
                tokens,
                count,
                rows.factor,
                address,
                columns,
                rows.address + (long) first * rows.elementBytes(),
                depth,
                one(),
                y.address(),
                columns));
  }

  /** Takes rows of a matrix as plain numbers. */
  private interface Tile {
    void take(int first, int count, long address);
  }

  private void forEachTile(CudaBackend queue, Tensor weight, Tile product) {
    int rows = weight.rows();
    if (weight.dtype() == DType.F32 || weight.dtype() == DType.F16) {
      product.take(0, rows, weight.memory().address());
      return;
    }
    DType plain = weight.dtype() == DType.BF16 ? DType.F32 : DType.F16;
    long rowBytes = plain.bytes(weight.columns());
    int step = (int) Math.min(rows, Math.max(1, TILE_BYTES / rowBytes / GROUP) * GROUP);
    NativeMemory target = tile.atLeast(step * rowBytes);
    for (int first = 0; first < rows; first += step) {
      int count = Math.min(step, rows - first);
      queue.convert(weight, first, count, plain, target);
      product.take(first, count, target.address());
    }
  }

  /** Memory that grows. */
  private final class Scratch {
    private final String use;
    private @Nullable NativeMemory memory;

    Scratch(String use) {
      this.use = use;
    }

    NativeMemory atLeast(long bytes) {
      NativeMemory held = memory;
      if (held == null || held.bytes() < bytes) {
        close(); // which waits for the kernels that use it
        held = owner.allocate(use, bytes);
        memory = held;
      }
      return held;
    }

    void close() {
      if (memory != null) {
        memory.close();
        memory = null;
      }
    }
  }

  private void begin(CudaBackend queue) {
    device.runtime().waitForEvent(queue.stream(), lastUse);
    blas.use(queue.stream(), workspace.address(), workspace.bytes());
  }

  private void end(CudaBackend queue) {
    device.runtime().recordEvent(lastUse, queue.stream());
  }

  @Override
  public synchronized void close() {
    device.runtime().awaitEvent(lastUse);
    blas.close();
    List.of(half, tile, gates).forEach(Scratch::close);
    scalars.close();
    workspace.close();
    device.runtime().closeEvent(lastUse);
    owner.close();
  }
}
