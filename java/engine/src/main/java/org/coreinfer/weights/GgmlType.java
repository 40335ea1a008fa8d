package org.coreinfer.weights;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * The tensor types of ggml with their block layouts, so that tensors of every type can be placed
 * and named.
 */
enum GgmlType {
  F32(0, 1, 4, DType.F32),
  F16(1, 1, 2, DType.F16),
  Q4_0(2, 32, 18, DType.Q4_0),
  Q4_1(3, 32, 20, DType.Q4_1),
  Q5_0(6, 32, 22, DType.Q5_0),
  Q5_1(7, 32, 24, DType.Q5_1),
  Q8_0(8, 32, 34, DType.Q8_0),
  Q8_1(9, 32, 36),
  Q2_K(10, 256, 84),
  Q3_K(11, 256, 110),
  Q4_K(12, 256, 144, DType.Q4_K),
  Q5_K(13, 256, 176, DType.Q5_K),
  Q6_K(14, 256, 210, DType.Q6_K),
  Q8_K(15, 256, 292),
  IQ2_XXS(16, 256, 66),
  IQ2_XS(17, 256, 74),
  IQ3_XXS(18, 256, 98),
  IQ1_S(19, 256, 50),
  IQ4_NL(20, 32, 18),
  IQ3_S(21, 256, 110),
  IQ2_S(22, 256, 82),
  IQ4_XS(23, 256, 136),
  I8(24, 1, 1),
  I16(25, 1, 2),
  I32(26, 1, 4),
  I64(27, 1, 8),
  F64(28, 1, 8),
  IQ1_M(29, 256, 56),
  BF16(30, 1, 2, DType.BF16),
  TQ1_0(34, 256, 54),
  TQ2_0(35, 256, 66),
  MXFP4(39, 32, 17);

  private final int code;
  private final int blockSize;
  private final int blockBytes;
  private final @Nullable DType dtype;

  GgmlType(int code, int blockSize, int blockBytes) {
    this(code, blockSize, blockBytes, null);
  }

  GgmlType(int code, int blockSize, int blockBytes, @Nullable DType dtype) {
    this.code = code;
    this.blockSize = blockSize;
    this.blockBytes = blockBytes;
    this.dtype = dtype;
  }

  /** The type of a code in a file, null if ggml had none such when this was written. */
  static @Nullable GgmlType of(int code) {
    for (GgmlType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return null;
  }

  /** How GGUF stores a dtype. */
  static GgmlType of(DType dtype) {
    for (GgmlType type : values()) {
      if (type.dtype == dtype) {
        return type;
      }
    }
    throw new IllegalArgumentException(dtype + " has no place in a GGUF file");
  }

  /** Names of the types that have a dtype, for messages. */
  static String supported() {
    return Arrays.stream(values())
        .filter(type -> type.dtype != null)
        .map(GgmlType::name)
        .collect(Collectors.joining(", "));
  }

  int code() {
    return code;
  }

  /** Elements per block; a row is a whole number of blocks. */
  int blockSize() {
    return blockSize;
  }

  int blockBytes() {
    return blockBytes;
  }

  /** Null if this library doesn't compute with the type. */
  @Nullable DType dtype() {
    return dtype;
  }
}
