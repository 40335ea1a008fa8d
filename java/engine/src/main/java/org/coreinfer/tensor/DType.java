package org.coreinfer.tensor;

/**
 * How the elements of a tensor's rows are stored; enum ci_dtype of include/coreinfer/types.h gives
 * the layouts.
 */
public enum DType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  BF16(2, 1, 2),
  Q8_0(3, 32, 34, 2),
  Q4_0(4, 32, 18, 2),
  Q8_0_SHARED(5, 32, 34, 2),
  Q4_0_SHARED(6, 32, 18, 2),
  Q4_1(7, 32, 20, 4),
  Q5_0(8, 32, 22, 2),
  Q5_1(9, 32, 24, 4),
  Q4_K(10, 256, 144, 16),
  Q5_K(11, 256, 176, 16),
  Q6_K(12, 256, 210, 18),
  Q4_1_SHARED(13, 32, 20, 4),
  Q5_0_SHARED(14, 32, 22, 2),
  Q5_1_SHARED(15, 32, 24, 4),
  Q4_K_SHARED(16, 256, 144, 16),
  Q5_K_SHARED(17, 256, 176, 16),
  Q6_K_SHARED(18, 256, 210, 18);

  private final int code;
  private final int groupSize;
  private final int groupBytes;
  private final int scaleBytes;

  DType(int code, int groupSize, int groupBytes) {
    this(code, groupSize, groupBytes, 0);
  }

  DType(int code, int groupSize, int groupBytes, int scaleBytes) {
    this.code = code;
    this.groupSize = groupSize;
    this.groupBytes = groupBytes;
    this.scaleBytes = scaleBytes;
  }

  /** The value of enum ci_dtype. */
  public int code() {
    return code;
  }

  /** Elements that are stored together: a row's length is a multiple of it. */
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

  /** Bytes that one group's scales take of its bytes; 0 for plain elements. */
  public int scaleBytes() {
    return scaleBytes;
  }

  /** Whether as many rows as a group has elements share their scales, column by column. */
  public boolean isShared() {
    return !isPlain() && this == transposed();
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
    return (long) capacity * columns * (groupBytes - scaleBytes()) / groupSize + scales;
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
      case Q4_1 -> Q4_1_SHARED;
      case Q5_0 -> Q5_0_SHARED;
      case Q5_1 -> Q5_1_SHARED;
      case Q4_K -> Q4_K_SHARED;
      case Q5_K -> Q5_K_SHARED;
      case Q6_K -> Q6_K_SHARED;
      default -> this;
    };
  }
}
