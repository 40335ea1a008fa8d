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
  private final Resources memory = new Resources();
  private final NativeMemory packed;

  private RowPacks(Backend backend, CpuKernels kernels, Tensor weight) {
    this.backend = backend;
    this.kernels = kernels;
    this.weight = weight;
    long bytes = bytes(backend, kernels, weight, weight.rows());
    this.packed = memory.own(backend.allocate("packed rows", bytes));
    try (NativeMemory count = backend.allocateInts("packed rows", 1)) {
      count.ints().put(0, weight.rows());
      pack(backend, kernels, weight, null, count, packed);
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
        ? bytes(backend, kernels, weight, weight.rows())
        : 0;
  }

  /**
   * Packs a matrix, which {@link #bytes} must allow.
   *
   * @throws org.coreinfer.error.OutOfNativeMemoryException if the system refuses
   */
  public static RowPacks of(Backend backend, Tensor weight) {
    if (!(backend.kernels() instanceof CpuKernels kernels)) {
      throw new IllegalArgumentException(backend + " packs nothing");
    }
    return new RowPacks(backend, kernels, weight);
  }

  static long bytes(Backend backend, CpuKernels kernels, @Nullable Tensor weight, int capacity) {
    if (weight == null) {
      return 0;
    }
    long[] bytes = new long[1];
    int status =
        kernels.ci_host_packed_bytes(
            backend.context(),
            weight.dtype().code(),
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
   * @param ids row numbers, int32; null for the first ones
   * @param count how many, int32
   */
  static void pack(
      Backend backend,
      CpuKernels kernels,
      Tensor weight,
      @Nullable NativeMemory ids,
      NativeMemory count,
      NativeMemory packed) {
    int status =
        kernels.ci_host_pack(
            backend.context(),
            weight.dtype().code(),
            NativeCalls.address(weight),
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
  public void matvec(
      @Nullable NativeMemory bias, NativeMemory x, int tokens, boolean accumulate, NativeMemory y) {
    int status =
        kernels.ci_host_matvec_packed(
            backend.context(),
            weight.dtype().code(),
            NativeCalls.address(weight),
            packed.address(),
            NativeCalls.floatsOrNull(bias, weight.rows()),
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

  @Override
  public void close() {
    memory.close();
  }
}
