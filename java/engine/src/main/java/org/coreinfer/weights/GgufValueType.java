package org.coreinfer.weights;

import org.jspecify.annotations.Nullable;

/** The types of a GGUF metadata value. */
enum GgufValueType {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  STRING(8, 8),
  ARRAY(9, 12),
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private final int code;
  private final int leastBytes;

  GgufValueType(int code, int leastBytes) {
    this.code = code;
    this.leastBytes = leastBytes;
  }

  /** Null for a code that the format doesn't define. */
  static @Nullable GgufValueType of(int code) {
    for (GgufValueType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return null;
  }

  int code() {
    return code;
  }

  /** The size of a value, for strings and arrays that of an empty one. */
  int leastBytes() {
    return leastBytes;
  }
}
