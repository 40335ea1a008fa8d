package org.coreinfer.weights;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.NativeMemory;

/**
 * Reads the little-endian values of a GGUF header from front to back. Whatever doesn't fit the file
 * is a {@link ModelFormatException} that names the file, and the part that {@link #enter}
 * announced.
 */
final class GgufCursor {
  private static final int WINDOW = 1 << 30; // a buffer reaches 2 GiB at most, a file beyond

  private final String source;
  private final NativeMemory memory;
  private final HeapBudget budget;
  private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
  private ByteBuffer window;
  private long windowEnd;
  private String part = "header";

  GgufCursor(String source, NativeMemory memory, HeapBudget budget) {
    this.source = source;
    this.memory = memory;
    this.budget = budget;
    this.windowEnd = Math.min(WINDOW, memory.bytes());
    this.window = memory.buffer(0, (int) windowEnd);
  }

  /** Names the part of the header that is read next, for messages. */
  void enter(String name) {
    part = name;
  }

  /** Bytes from the start of the file. */
  long position() {
    return windowEnd - window.remaining();
  }

  long remaining() {
    return memory.bytes() - position();
  }

  byte int8() {
    return next(Byte.BYTES).get();
  }

  short int16() {
    return next(Short.BYTES).getShort();
  }

  int int32() {
    return next(Integer.BYTES).getInt();
  }

  long int64() {
    return next(Long.BYTES).getLong();
  }

  float float32() {
    return next(Float.BYTES).getFloat();
  }

  double float64() {
    return next(Double.BYTES).getDouble();
  }

  /** An unsigned 64-bit number that fits a {@code long}. */
  long uint64() {
    long value = int64();
    if (value < 0) {
      throw wrong("the number " + Long.toUnsignedString(value) + " is out of range");
    }
    return value;
  }

  boolean bool() {
    byte value = int8();
    if (value != 0 && value != 1) {
      throw wrong("expected a boolean, 0 or 1, found " + value);
    }
    return value == 1;
  }

  String string() {
    long length = uint64();
    if (length > remaining()) {
      throw wrong("a string of " + length + " bytes, but only " + remaining() + " bytes are left");
    }
    budget.chargeString(length);
    byte[] bytes = new byte[(int) length];
    next(bytes.length).get(bytes);
    try {
      CharBuffer text = decoder.decode(ByteBuffer.wrap(bytes));
      return text.isEmpty() ? "" : text.toString();
    } catch (CharacterCodingException e) {
      throw new ModelFormatException(describe("a string is not valid UTF-8"), e);
    }
  }

  /**
   * The number of items that follow.
   *
   * @param itemBytes the least size of one, in the file
   */
  long count(String items, int itemBytes) {
    long count = uint64();
    if (count > remaining() / itemBytes) {
      throw wrong(count + " " + items + ", but only " + remaining() + " bytes are left");
    }
    return count;
  }

  ModelFormatException wrong(String what) {
    return new ModelFormatException(describe(what));
  }

  private String describe(String what) {
    return source + ": " + part + ": " + what;
  }

  private ByteBuffer next(int bytes) {
    if (window.remaining() < bytes) {
      long position = position();
      if (memory.bytes() - position < bytes) {
        throw wrong("the file ends too early, at byte " + memory.bytes());
      }
      int length = (int) Math.min(WINDOW, memory.bytes() - position);
      window = memory.buffer(position, length);
      windowEnd = position + length;
    }
    return window;
  }
}
