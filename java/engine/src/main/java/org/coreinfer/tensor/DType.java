package org.coreinfer.tensor;

/**
 * How the elements of a tensor's rows are stored; enum ci_dtype of include/coreinfer/types.h gives
 * the layouts.
 */
public enum DType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  BF16(2, 1, 2),
  Q8_0(3, 32, 34),
  Q4_0(4, 32, 18),
  Q8_0_SHARED(5, 32, 34),
  Q4_0_SHARED(6, 32, 18);

  private final int code;
  private final int groupSize;
  private final int groupBytes;

  DType(int code, int groupSize, int groupBytes) {
    this.code = code;
    this.groupSize = groupSize;
    this.groupBytes = groupBytes;
  }

  /** The value of enum ci_dtype. */
  public int code() {
    return code;
  }

  /** Elements that share one scale: a row's length is a multiple of it. */
  public int groupSize() {
    return groupSize;
  }

  /**
   * The size of {@code elements} elements, a multiple of the group size.
   *
   * @throws ArithmeticException if the size exceeds a {@code long}
   */
  public long bytes(long elements) {
    if (elements < 0 || elements % groupSize != 0) {
      throw new IllegalArgumentException(
          elements + " elements of " + this + ": expected a multiple of " + groupSize);
    }
    return Math.multiplyExact(elements / groupSize, groupBytes);
  }

  /** Bytes that one group's scale takes of its bytes; 0 for plain elements. */
  public int scaleBytes() {
    return isPlain() ? 0 : Short.BYTES;
  }

  /** Whether 32 rows share their scales, one per column. */
  public boolean isShared() {
    return this == Q8_0_SHARED || this == Q4_0_SHARED;
  }

  /**
   * The size of {@code capacity} rows that were picked from a matrix (ci_cuda_ffn_pack): with all
   * of its scales where rows share them.
   */
  public long packedBytes(int rows, int columns, int capacity) {
    if (!isShared()) {
      return bytes((long) capacity * columns);
    }
    long scales = (long) rows / groupSize * columns * scaleBytes();
    return (long) capacity * columns / groupSize * (groupBytes - scaleBytes()) + scales;
  }

  /** Whether elements are plain numbers, without shared scales. */
  public boolean isPlain() {
    return groupSize == 1;
  }

  /**
   * The dtype that a down projection has once ci_ffn_transpose_down stored it one neuron per row.
   */
  public DType transposed() {
    return switch (this) {
      case Q8_0 -> Q8_0_SHARED;
      case Q4_0 -> Q4_0_SHARED;
      default -> this;
    };
  }
}
