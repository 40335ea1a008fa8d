package org.coreinfer.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.RowCodec;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Writes a model as a GGUF file, version 3. Collect metadata and tensors first, then {@link
 * #write}; rows are read and converted piece by piece, on all processors. Integers are written in
 * the width in which llama.cpp asks for them.
 */
public final class GgufWriter {
  private static final System.Logger LOGGER = System.getLogger(GgufWriter.class.getName());
  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;
  private static final int CHUNK_BYTES = 1 << 20;

  private final String magic;
  private final Set<String> keys = new LinkedHashSet<>();
  private final LittleEndianBytes metadata = new LittleEndianBytes();
  private final Map<String, Item> tensors = new LinkedHashMap<>();

  public GgufWriter() {
    this("GGUF");
  }

  private GgufWriter(String magic) {
    this.magic = magic;
  }

  /** A writer of PowerInfer's variant, which differs in the magic. */
  public static GgufWriter ofPowerInfer() {
    return new GgufWriter("PWRI");
  }

  /** Hears how far a file is written; what it throws ends the writing. */
  @FunctionalInterface
  public interface Progress {
    void written(long bytes, long total);
  }

  /** Adds a string. */
  public void string(String key, String value) {
    startValue(key, GgufValueType.STRING);
    metadata.putString(value);
  }

  /**
   * Adds an unsigned 32-bit integer.
   *
   * @param value at least 0
   */
  public void integer(String key, int value) {
    if (value < 0) {
      throw new IllegalArgumentException(key + ": value=" + value);
    }
    startValue(key, GgufValueType.UINT32);
    metadata.putInt(value);
  }

  /** Adds a 32-bit floating-point number. */
  public void number(String key, float value) {
    startValue(key, GgufValueType.FLOAT32);
    metadata.putFloat(value);
  }

  /** Adds a boolean. */
  public void flag(String key, boolean value) {
    startValue(key, GgufValueType.BOOL);
    metadata.write(value ? 1 : 0);
  }

  /** Adds an array of strings. */
  public void strings(String key, List<String> values) {
    startArray(key, GgufValueType.STRING, values.size());
    values.forEach(metadata::putString);
  }

  /** Adds an array of signed 32-bit integers. */
  public void integers(String key, int[] values) {
    startArray(key, GgufValueType.INT32, values.length);
    for (int value : values) {
      metadata.putInt(value);
    }
  }

  /** Adds an array of 32-bit floating-point numbers. */
  public void numbers(String key, float[] values) {
    startArray(key, GgufValueType.FLOAT32, values.length);
    for (float value : values) {
      metadata.putFloat(value);
    }
  }

  /**
   * Adds a value as another file stores it.
   *
   * @param value the type, then the value
   */
  void stored(String key, ByteBuffer value) {
    startKey(key);
    byte[] bytes = new byte[value.remaining()];
    value.get(bytes);
    metadata.writeBytes(bytes);
  }

  /** Adds a tensor as it is; its memory is read during {@link #write}. */
  void tensor(Tensor stored) {
    add(
        new Item(
            stored.name(),
            GgmlType.of(stored.dtype()),
            stored.dtype(),
            stored.rows(),
            stored.columns(),
            RowSource.of(stored),
            stored.memory()));
  }

  /**
   * Adds a tensor, a vector if it has one row.
   *
   * @param dtype to store it in
   * @param source read during {@link #write}, each row once, by several threads at a time
   */
  public void tensor(String name, DType dtype, int rows, int columns, RowSource source) {
    if (name.isEmpty() || rows < 1 || columns < 1 || dtype.bytes(columns) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          name + ": dtype=" + dtype + " rows=" + rows + " columns=" + columns);
    }
    add(new Item(name, GgmlType.of(dtype), dtype, rows, columns, source, null));
  }

  private void add(Item item) {
    if (tensors.putIfAbsent(item.name, item) != null) {
      throw new IllegalArgumentException(item.name + " was added before");
    }
  }

  /**
   * Writes the file, replacing one of that name; a failure leaves no new file, and an old one as it
   * was.
   *
   * @throws CoreInferException if the disk has no room for it, the operating system refuses, or a
   *     row can't be stored in its dtype
   */
  public void write(Path file, Progress progress) {
    Path target = file.toAbsolutePath();
    Path part =
        target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".part");
    byte[] header = header();
    long total = header.length + dataBytes();
    try {
      requireRoom(target, total);
      try (FileChannel channel =
          FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        writeTo(channel, header, total, progress);
        channel.force(true);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be written: " + e, e);
    } finally {
      deleteIfLeft(part);
    }
  }

  private static void requireRoom(Path file, long bytes) throws IOException {
    Path folder = file.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new CoreInferException(file + ": cannot be written: there is no folder " + folder);
    }
    long free = Files.getFileStore(folder).getUsableSpace();
    if (free < bytes) {
      throw new CoreInferException(
          String.format(
              Locale.ROOT,
              "%s: cannot be written: it needs %.1f MB, and the disk has %.1f MB left",
              file,
              bytes * 1e-6,
              free * 1e-6));
    }
  }

  private void writeTo(FileChannel channel, byte[] header, long total, Progress progress)
      throws IOException {
    writeAll(ByteBuffer.wrap(header), channel);
    progress.written(channel.position(), total);
    for (Item item : tensors.values()) {
      if (item.stored == null) {
        encodeTensor(item, channel, progress, total);
      } else {
        copyTensor(item.stored, item.bytes(), channel, progress, total);
      }
      writeAll(ByteBuffer.allocate((int) (padded(item.bytes()) - item.bytes())), channel);
      progress.written(channel.position(), total);
    }
  }

  /** Everything before the data, padded. */
  private byte[] header() {
    LittleEndianBytes header = new LittleEndianBytes();
    header.writeBytes(magic.getBytes(StandardCharsets.US_ASCII));
    header.putInt(VERSION);
    header.putLong(tensors.size());
    header.putLong(keys.size());
    header.writeBytes(metadata.toByteArray());
    long offset = 0;
    for (Item item : tensors.values()) {
      header.putString(item.name);
      header.putInt(item.rows == 1 ? 1 : 2);
      header.putLong(item.columns);
      if (item.rows > 1) {
        header.putLong(item.rows);
      }
      header.putInt(item.type.code());
      header.putLong(offset);
      offset += padded(item.bytes());
    }
    header.writeBytes(new byte[(int) (padded(header.size()) - header.size())]);
    return header.toByteArray();
  }

  private long dataBytes() {
    return tensors.values().stream().mapToLong(item -> padded(item.bytes())).sum();
  }

  private static void encodeTensor(Item item, FileChannel channel, Progress progress, long total)
      throws IOException {
    int rowBytes = (int) item.dtype.bytes(item.columns);
    int step = Math.max(1, Math.min(item.rows, CHUNK_BYTES / rowBytes));
    ByteBuffer chunk = ByteBuffer.allocate(step * rowBytes);
    for (int first = 0; first < item.rows; first += step) {
      int from = first;
      int count = Math.min(step, item.rows - first);
      IntStream.range(0, count)
          .parallel()
          .forEach(r -> encode(item, from + r, chunk.slice(r * rowBytes, rowBytes)));
      writeAll(chunk.position(0).limit(count * rowBytes), channel);
      chunk.clear();
      progress.written(channel.position(), total);
    }
  }

  private static void copyTensor(
      NativeMemory stored, long bytes, FileChannel channel, Progress progress, long total)
      throws IOException {
    for (long at = 0; at < bytes; at += CHUNK_BYTES) {
      writeAll(stored.buffer(at, (int) Math.min(CHUNK_BYTES, bytes - at)), channel);
      progress.written(channel.position(), total);
    }
  }

  private static void encode(Item item, int row, ByteBuffer target) {
    float[] values = new float[item.columns];
    item.source.read(row, values);
    try {
      RowCodec.encode(item.dtype, values, target.order(ByteOrder.LITTLE_ENDIAN));
    } catch (ArithmeticException e) {
      throw new CoreInferException(
          item.name + ": row " + row + " can't be stored as " + item.dtype + ": " + e.getMessage(),
          e);
    }
  }

  private static void writeAll(ByteBuffer bytes, FileChannel channel) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void deleteIfLeft(Path part) {
    try {
      Files.deleteIfExists(part);
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.WARNING, "{0} is left over: {1}", part, e);
    }
  }

  private void startKey(String key) {
    if (key.isEmpty() || !keys.add(key)) {
      throw new IllegalArgumentException("key '" + key + "' is empty or was added before");
    }
    metadata.putString(key);
  }

  private void startValue(String key, GgufValueType type) {
    startKey(key);
    metadata.putInt(type.code());
  }

  private void startArray(String key, GgufValueType elements, int count) {
    startValue(key, GgufValueType.ARRAY);
    metadata.putInt(elements.code());
    metadata.putLong(count);
  }

  private static long padded(long bytes) {
    return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
  }

  /**
   * A tensor to be written.
   *
   * @param stored its bytes, if they are there already
   */
  private record Item(
      String name,
      GgmlType type,
      DType dtype,
      int rows,
      int columns,
      RowSource source,
      @Nullable NativeMemory stored) {
    long bytes() {
      return dtype.bytes((long) rows * columns);
    }
  }

  private static final class LittleEndianBytes extends ByteArrayOutputStream {
    void putInt(int value) {
      for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
        write(value >>> shift);
      }
    }

    void putLong(long value) {
      putInt((int) value);
      putInt((int) (value >>> Integer.SIZE));
    }

    void putFloat(float value) {
      putInt(Float.floatToRawIntBits(value));
    }

    void putString(String value) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      putLong(bytes.length);
      writeBytes(bytes);
    }
  }
}
