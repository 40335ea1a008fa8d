package org.coreinfer.weights;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Builds GGUF files that a correct writer would not. */
final class GgufBytes {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** The header up to the metadata. */
  static GgufBytes start(int version, long tensors, long keys) {
    return new GgufBytes().raw("GGUF").int32(version).int64(tensors).int64(keys);
  }

  /** A header of version 3 with only the architecture, before the tensors. */
  static GgufBytes withTensors(long tensors) {
    return start(3, tensors, 1).string("general.architecture").int32(8).string("llama");
  }

  /** A tensor's description; {@code dimensions} innermost first. */
  GgufBytes tensor(String name, int type, long offset, long... dimensions) {
    string(name).int32(dimensions.length);
    for (long dimension : dimensions) {
      int64(dimension);
    }
    return int32(type).int64(offset);
  }

  GgufBytes raw(String text) {
    bytes.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    return this;
  }

  GgufBytes int32(int value) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.write(value >>> shift);
    }
    return this;
  }

  GgufBytes int64(long value) {
    return int32((int) value).int32((int) (value >>> 32));
  }

  GgufBytes string(String text) {
    return int64(text.length()).raw(text);
  }

  /** Pads the header, then appends data. */
  byte[] data(int length) {
    return data(32, length);
  }

  byte[] data(int alignment, int length) {
    int padding = (alignment - bytes.size() % alignment) % alignment;
    bytes.writeBytes(new byte[padding + length]);
    return bytes.toByteArray();
  }

  byte[] toBytes() {
    return bytes.toByteArray();
  }
}
