package org.coreinfer.model;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.coreinfer.error.SessionFormatException;

/**
 * Reads what {@link StateWriter} wrote. Every length is compared with what is expected before it is
 * used; what is not as expected is a {@link SessionFormatException}.
 */
public final class StateReader {
  private static final int BUFFER = 1 << 16;

  private final InputStream in;
  private final String name;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  private final CRC32C checksum = new CRC32C();

  /**
   * Reads from a stream, which the caller closes.
   *
   * @param name of the file, for messages
   */
  public StateReader(InputStream in, String name) {
    this.in = in;
    this.name = name;
  }

  /** What to throw about the file. */
  public SessionFormatException wrong(String what) {
    return new SessionFormatException(name + ": " + what);
  }

  private ByteBuffer next(int bytes) throws IOException {
    raw(bytes);
    checksum.update(buffer.array(), 0, bytes);
    return buffer;
  }

  private ByteBuffer raw(int bytes) throws IOException {
    buffer.clear().limit(bytes);
    if (in.readNBytes(buffer.array(), 0, bytes) < bytes) {
      throw wrong("the file ends early; it was not written as a whole");
    }
    return buffer;
  }

  public int getInt() throws IOException {
    return next(Integer.BYTES).getInt();
  }

  public long getLong() throws IOException {
    return next(Long.BYTES).getLong();
  }

  /** A number that must be {@code expected}. */
  public void require(String what, int expected) throws IOException {
    int value = getInt();
    if (value != expected) {
      throw wrong("%s is %d, expected %d".formatted(what, value, expected));
    }
  }

  /** A number from {@code least} to {@code most}. */
  public int getInt(String what, int least, int most) throws IOException {
    int value = getInt();
    if (value < least || value > most) {
      throw wrong("%s is %d, expected %d to %d".formatted(what, value, least, most));
    }
    return value;
  }

  /** At most {@code most} numbers. */
  public int[] getInts(String what, int most) throws IOException {
    int[] values = new int[getInt("the length of " + what, 0, most)];
    for (int i = 0; i < values.length; i++) {
      values[i] = getInt();
    }
    return values;
  }

  /** So many numbers. */
  public long[] getLongs(String what, int count) throws IOException {
    require("the length of " + what, count);
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = getLong();
    }
    return values;
  }

  /** So many numbers. */
  public float[] getFloats(String what, int count) throws IOException {
    require("the length of " + what, count);
    float[] values = new float[count];
    int step = BUFFER / Float.BYTES;
    for (int first = 0; first < count; first += step) {
      int some = Math.min(step, count - first);
      next(some * Float.BYTES).asFloatBuffer().get(values, first, some);
    }
    return values;
  }

  /** At most {@code most} bytes of text. */
  public String getText(String what, int most) throws IOException {
    int bytes = getInt("the length of " + what, 0, Math.min(most, BUFFER));
    byte[] text = new byte[bytes];
    next(bytes).get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  /** Fills the rest of a buffer. */
  public void get(ByteBuffer target) throws IOException {
    while (target.hasRemaining()) {
      target.put(next(Math.min(BUFFER, target.remaining())));
    }
  }

  /** Compares the checksum at the end. */
  public void finish() throws IOException {
    int expected = (int) checksum.getValue();
    if (raw(Integer.BYTES).getInt() != expected) {
      throw wrong("the checksum is wrong; the file was changed");
    }
    if (in.read() >= 0) {
      throw wrong("bytes follow the end; the file was changed");
    }
  }
}
