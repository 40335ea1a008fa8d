package org.coreinfer.model;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/** Writes what is saved of a sequence: little-endian numbers, then their CRC-32C. */
public final class StateWriter {
  private static final int BUFFER = 1 << 16;

  private final OutputStream out;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  private final CRC32C checksum = new CRC32C();

  /** Writes to a stream, which the caller closes. */
  public StateWriter(OutputStream out) {
    this.out = out;
  }

  private ByteBuffer room(int bytes) throws IOException {
    if (buffer.remaining() < bytes) {
      flush();
    }
    return buffer;
  }

  private void flush() throws IOException {
    checksum.update(buffer.array(), 0, buffer.position());
    out.write(buffer.array(), 0, buffer.position());
    buffer.clear();
  }

  public void put(int value) throws IOException {
    room(Integer.BYTES).putInt(value);
  }

  public void put(long value) throws IOException {
    room(Long.BYTES).putLong(value);
  }

  /** The length and the numbers. */
  public void put(int[] values) throws IOException {
    put(values.length);
    for (int value : values) {
      put(value);
    }
  }

  /** The length and the numbers. */
  public void put(long[] values) throws IOException {
    put(values.length);
    for (long value : values) {
      put(value);
    }
  }

  /** The length and the numbers. */
  public void put(float[] values) throws IOException {
    put(values.length);
    for (float value : values) {
      room(Float.BYTES).putFloat(value);
    }
  }

  /** The length in bytes and the characters, in UTF-8. */
  public void put(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    put(bytes.length);
    put(ByteBuffer.wrap(bytes));
  }

  /** The bytes alone. */
  public void put(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      ByteBuffer target = room(1);
      int count = Math.min(bytes.remaining(), target.remaining());
      target.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
    }
  }

  /** Ends with the checksum of everything. */
  public void finish() throws IOException {
    flush();
    buffer.putInt((int) checksum.getValue());
    out.write(buffer.array(), 0, buffer.position());
    out.flush();
  }
}
