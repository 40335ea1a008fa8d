package org.coreinfer.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.coreinfer.error.ModelFormatException;

/**
 * Reads the fields of one protocol-buffer message in order; every length is checked against the
 * message.
 */
final class ProtoReader {
  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED_32 = 5;

  private final String source;
  private final ByteBuffer message;
  private int field;
  private int wireType;
  private long number;
  private ByteBuffer value = ByteBuffer.allocate(0);

  ProtoReader(String source, byte[] message) {
    this(source, ByteBuffer.wrap(message));
  }

  private ProtoReader(String source, ByteBuffer message) {
    this.source = source;
    this.message = message.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Moves to the next field; false at the end of the message. */
  boolean next() {
    if (!message.hasRemaining()) {
      return false;
    }
    long key = varint();
    field = (int) (key >>> 3);
    wireType = (int) (key & 7);
    if (key >>> 3 == 0 || key >>> 3 > 0x1fffffff) {
      throw wrong("the field number " + (key >>> 3) + " is out of range");
    }
    switch (wireType) {
      case VARINT -> number = varint();
      case FIXED_64 -> number = slice(8).getLong();
      case FIXED_32 -> number = slice(4).getInt();
      case BYTES -> value = slice(varint());
      default -> throw wrong("the wire type " + wireType + " is not supported");
    }
    return true;
  }

  int field() {
    return field;
  }

  int integer() {
    expect(VARINT);
    if (number != (int) number) {
      throw wrong("the integer " + number + " is out of range");
    }
    return (int) number;
  }

  float float32() {
    expect(FIXED_32);
    return Float.intBitsToFloat((int) number);
  }

  String string() {
    expect(BYTES);
    return StandardCharsets.UTF_8.decode(value.duplicate()).toString();
  }

  int length() {
    expect(BYTES);
    return value.remaining();
  }

  ProtoReader message() {
    expect(BYTES);
    return new ProtoReader(source, value.duplicate());
  }

  private void expect(int expected) {
    if (wireType != expected) {
      throw wrong("expected the wire type " + expected + ", found " + wireType);
    }
  }

  private long varint() {
    long result = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte next = slice(1).get();
      result |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return result;
      }
    }
    throw wrong("a number has more than ten bytes");
  }

  private ByteBuffer slice(long length) {
    if (length < 0 || length > message.remaining()) {
      throw wrong("expected " + length + " more bytes, found " + message.remaining());
    }
    ByteBuffer slice =
        message.slice(message.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    message.position(message.position() + (int) length);
    return slice;
  }

  private ModelFormatException wrong(String what) {
    return new ModelFormatException(
        source + ": field " + field + ": not a SentencePiece model: " + what);
  }
}
