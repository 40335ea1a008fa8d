package org.coreinfer.backend;

import org.coreinfer.binding.CpuKernels;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A copy of a matrix's rows on the host, in the order in which decoding reads them
 * (include/coreinfer/host.h). It changes no bit of a product, only its time. Thread-safe.
 */
public final class RowPacks implements AutoCloseable {
  private final Backend backend;
  private final CpuKernels kernels;
  private final Tensor weight;
  private final @Nullable NativeMemory bias;
  private final Resources memory = new Resources();
  private final NativeMemory packed;

  private RowPacks(
      Backend backend, CpuKernels kernels, Tensor weight, @Nullable NativeMemory bias) {
    this.backend = backend;
    this.kernels = kernels;
    this.weight = weight;
    this.bias = bias;
    long bytes = bytes(backend, kernels, weight, 1, weight.rows());
    this.packed = memory.own(backend.allocate("packed rows", bytes));
    try (NativeMemory count = backend.allocateInts("packed rows", 1)) {
      count.ints().put(0, weight.rows());
      pack(backend, kernels, weight, null, null, count, packed);
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  /**
   * The bytes that packs of a matrix take; 0 where packing gains nothing: on devices, on processors
   * and for dtypes that have no packs.
   */
  public static long bytes(Backend backend, Tensor weight) {
    return backend.kernels() instanceof CpuKernels kernels
        ? bytes(backend, kernels, weight, 1, weight.rows())
        : 0;
  }

  /**
   * Packs a matrix, which {@link #bytes} must allow.
   *
   * @param bias (rows), F32, added to products
   * @throws org.coreinfer.error.OutOfNativeMemoryException if the system refuses
   */
  public static RowPacks of(Backend backend, Tensor weight, @Nullable NativeMemory bias) {
    if (!(backend.kernels() instanceof CpuKernels kernels)) {
      throw new IllegalArgumentException(backend + " packs nothing");
    }
    return new RowPacks(backend, kernels, weight, bias);
  }

  /**
   * The bytes of packs of listed rows, or 0.
   *
   * @param matrices 2 where those of another matrix of the same shape are packed beside them
   */
  static long bytes(
      Backend backend, CpuKernels kernels, Tensor weight, int matrices, int capacity) {
    long[] bytes = new long[1];
    int status =
        kernels.ci_host_packed_bytes(
            backend.context(),
            weight.dtype().code(),
            matrices,
            weight.rows(),
            weight.columns(),
            capacity,
            bytes);
    if (status != NativeCalls.OK) {
      throw backend.failure(
          status, "ci_host_packed_bytes", "weight=%s capacity=%d", weight, capacity);
    }
    return bytes[0];
  }

  /**
   * Packs listed rows.
   *
   * @param beside a matrix of the same shape and dtype whose rows are packed beside them; null for
   *     none
   * @param ids row numbers, int32; null for the first ones
   * @param count how many, int32
   */
  static void pack(
      Backend backend,
      CpuKernels kernels,
      Tensor weight,
      @Nullable Tensor beside,
      @Nullable NativeMemory ids,
      NativeMemory count,
      NativeMemory packed) {
    int status =
        kernels.ci_host_pack(
            backend.context(),
            weight.dtype().code(),
            NativeCalls.address(weight),
            NativeCalls.addressOrNull(beside),
            weight.rows(),
            weight.columns(),
            ids == null ? 0 : NativeCalls.ints(ids, count.ints().get(0)),
            NativeCalls.ints(count, 1),
            packed.address());
    if (status != NativeCalls.OK) {
      throw backend.failure(status, "ci_host_pack", "weight=%s", weight);
    }
  }

  /** {@link Kernels#matvec} with the matrix that was packed. */
  public void matvec(NativeMemory x, int tokens, boolean accumulate, NativeMemory y) {
    int status =
        kernels.ci_host_matvec_packed(
            backend.context(),
            weight.dtype().code(),
            NativeCalls.address(weight),
            packed.address(),
            biasAddress(),
            NativeCalls.floats(x, (long) tokens * weight.columns()),
            tokens,
            weight.rows(),
            weight.columns(),
            accumulate ? 1 : 0,
            NativeCalls.floats(y, (long) tokens * weight.rows()));
    if (status != NativeCalls.OK) {
      throw backend.failure(status, "ci_host_matvec_packed", "weight=%s tokens=%d", weight, tokens);
    }
  }

  private long biasAddress() {
    return NativeCalls.floatsOrNull(bias, weight.rows());
  }

  /** Whether both can be multiplied by the same vectors in one go. */
  private boolean isLike(RowPacks other) {
    return weight.dtype() == other.weight.dtype() && weight.columns() == other.weight.columns();
  }

  /** Whether {@link #attentionInputs} takes these. */
  public static boolean areAttentionInputs(RowPacks query, RowPacks key, RowPacks value) {
    return query.isLike(key) && key.isLike(value) && key.weight.rows() == value.weight.rows();
  }

  /**
   * {@link #matvec} of a layer's query, key and value in one go.
   *
   * @param queries (tokens, rows of query), F32; keys and values alike
   */
  public static void attentionInputs(
      RowPacks query,
      RowPacks key,
      RowPacks value,
      NativeMemory x,
      int tokens,
      NativeMemory queries,
      NativeMemory keys,
      NativeMemory values) {
    int queryRows = query.weight.rows();
    int kvRows = key.weight.rows();
    int columns = query.weight.columns();
    int status =
        query.kernels.ci_host_attention_inputs_packed(
            query.backend.context(),
            query.weight.dtype().code(),
            NativeCalls.address(query.weight),
            query.packed.address(),
            query.biasAddress(),
            queryRows,
            NativeCalls.address(key.weight),
            key.packed.address(),
            key.biasAddress(),
            NativeCalls.address(value.weight),
            value.packed.address(),
            value.biasAddress(),
            kvRows,
            NativeCalls.floats(x, (long) tokens * columns),
            tokens,
            columns,
            NativeCalls.floats(queries, (long) tokens * queryRows),
            NativeCalls.floats(keys, (long) tokens * kvRows),
            NativeCalls.floats(values, (long) tokens * kvRows));
    if (status != NativeCalls.OK) {
      throw query.backend.failure(
          status, "ci_host_attention_inputs_packed", "query=%s tokens=%d", query.weight, tokens);
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
