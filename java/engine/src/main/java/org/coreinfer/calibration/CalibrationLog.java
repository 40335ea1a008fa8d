package org.coreinfer.calibration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * What a calibration has computed so far, on disk, so that one that was interrupted goes on where
 * it was. A file of records, each a key, a value and their checksum; a record that was not written
 * to its end, and all after it, are dropped. For one thread.
 */
final class CalibrationLog implements AutoCloseable {
  private static final String FIRST_KEY = "coreinfer-calibration-log";
  private static final int MOST_KEY_BYTES = 1000;
  private static final int SIZES_BYTES = 8;
  private static final int CHECKSUM_BYTES = 4;

  private final Path file;
  private final FileChannel channel;
  private final Map<String, long[]> places = new HashMap<>(); // position and size of values
  private long end;

  /**
   * Opens a log, or begins one.
   *
   * @param purpose says which model, text and settings it belongs to; a log of another purpose is
   *     begun anew
   */
  CalibrationLog(Path file, byte[] purpose) {
    this.file = file;
    try {
      this.channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be written: " + e, e);
    }
    try {
      readRecords();
      byte[] found = find(FIRST_KEY);
      if (found == null || !Arrays.equals(found, purpose)) {
        places.clear();
        end = 0;
        channel.truncate(0);
        put(FIRST_KEY, purpose);
      } else {
        channel.truncate(end);
      }
    } catch (IOException e) {
      close();
      throw new CoreInferException(file + ": cannot be read: " + e, e);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void readRecords() throws IOException {
    long size = channel.size();
    while (size - end >= SIZES_BYTES + CHECKSUM_BYTES) {
      ByteBuffer sizes = read(end, SIZES_BYTES);
      int keyBytes = sizes.getInt();
      int valueBytes = sizes.getInt();
      long left = size - end - SIZES_BYTES - CHECKSUM_BYTES;
      if (keyBytes < 1 || keyBytes > MOST_KEY_BYTES || valueBytes < 0) {
        return;
      }
      if ((long) keyBytes + valueBytes > left) {
        return;
      }
      ByteBuffer record = read(end, SIZES_BYTES + keyBytes + valueBytes);
      int checksum = read(end + record.limit(), CHECKSUM_BYTES).getInt();
      if (checksum != checksum(record)) {
        return;
      }
      ByteBuffer name = record.duplicate().position(SIZES_BYTES).limit(SIZES_BYTES + keyBytes);
      String key = StandardCharsets.UTF_8.decode(name).toString();
      places.put(key, new long[] {end + SIZES_BYTES + keyBytes, valueBytes});
      end += record.limit() + CHECKSUM_BYTES;
    }
  }

  private ByteBuffer read(long position, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new IOException("the file ends at byte " + (position + buffer.position()));
      }
    }
    return buffer.flip();
  }

  private static int checksum(ByteBuffer record) {
    CRC32 crc = new CRC32();
    crc.update(record.duplicate());
    return (int) crc.getValue();
  }

  /** The value of a key; null if there is none. */
  byte @Nullable [] find(String key) {
    long[] place = places.get(key);
    if (place == null) {
      return null;
    }
    try {
      byte[] value = new byte[(int) place[1]];
      read(place[0], value.length).get(value);
      return value;
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read", e);
    }
  }

  /** Appends a record. */
  void put(String key, byte[] value) {
    byte[] name = key.getBytes(StandardCharsets.UTF_8);
    ByteBuffer record =
        ByteBuffer.allocate(SIZES_BYTES + name.length + value.length + CHECKSUM_BYTES);
    record.putInt(name.length).putInt(value.length).put(name).put(value);
    record.putInt(checksum(record.duplicate().flip())).flip();
    try {
      long position = end;
      while (record.hasRemaining()) {
        position += channel.write(record, position);
      }
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be written: " + e, e);
    }
    places.put(key, new long[] {end + SIZES_BYTES + name.length, value.length});
    end += record.limit();
  }

  /** Removes the file, which is of no further use. */
  void delete() {
    close();
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be deleted: " + e, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be closed", e);
    }
  }
}
