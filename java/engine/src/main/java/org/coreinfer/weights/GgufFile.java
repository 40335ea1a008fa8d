package org.coreinfer.weights;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;

/**
 * A model in one GGUF file, llama.cpp's or PowerInfer's. Matrices are (rows, columns): GGUF counts
 * dimensions from the innermost, so its first is the columns.
 */
public final class GgufFile implements WeightFile {
  private static final int MAGIC_BYTES = 4;
  private static final byte[] MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] POWERINFER_MAGIC = "PWRI".getBytes(StandardCharsets.US_ASCII);

  private final String name;
  private final NativeMemory memory;
  private final GgufHeader header;
  private final TensorTable table;

  private GgufFile(String name, NativeMemory memory) {
    this.name = name;
    this.memory = memory;
    this.header = GgufHeader.read(name, memory);
    this.table = new TensorTable(name);
    header.tensors().forEach(entry -> table.add(entry, memory));
  }

  /**
   * Maps a GGUF file.
   *
   * @throws ModelFormatException if it is no GGUF file, or broken
   */
  public static GgufFile open(Path path, FileMapper mapper) {
    byte[] head = FileHead.read(path);
    if (!isGguf(head)) {
      throw FileHead.notGguf(path, head);
    }
    return of(FileHead.name(path), mapper.map(path));
  }

  /**
   * A model that lies in memory.
   *
   * @param name for messages
   * @param memory the bytes of a GGUF file; closed with this object, and at once if the file is
   *     broken
   * @throws ModelFormatException if it is no GGUF file, or broken
   */
  public static GgufFile of(String name, NativeMemory memory) {
    try {
      byte[] head = new byte[(int) Math.min(MAGIC_BYTES, memory.bytes())];
      memory.buffer(0, head.length).get(head);
      if (!isGguf(head)) {
        throw new ModelFormatException(name + ": not a GGUF file");
      }
      return new GgufFile(name, memory);
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String architecture() {
    return metadata().string("general.architecture");
  }

  /** The key-value section. */
  public Metadata metadata() {
    return header.metadata();
  }

  /** Adds the values of some keys to a file, as they are stored here. */
  void copyMetadata(GgufWriter writer, Predicate<String> isCopied) {
    header
        .values()
        .forEach(
            (key, range) -> {
              if (isCopied.test(key)) {
                int bytes = Math.toIntExact(range.end() - range.begin());
                writer.stored(key, memory.buffer(range.begin(), bytes));
              }
            });
  }

  @Override
  public Map<String, Tensor> tensors() {
    return table.tensors();
  }

  @Override
  public Map<String, String> unsupported() {
    return table.unsupported();
  }

  @Override
  public Tensor tensor(String tensorName) {
    return table.tensor(tensorName);
  }

  @Override
  public Optional<Tensor> find(String tensorName) {
    return table.find(tensorName);
  }

  @Override
  public long bytes() {
    return memory.bytes();
  }

  @Override
  public void close() {
    memory.close();
  }

  private static boolean isGguf(byte[] head) {
    return startsWith(head, MAGIC) || startsWith(head, POWERINFER_MAGIC);
  }

  private static boolean startsWith(byte[] head, byte[] magic) {
    return head.length >= magic.length
        && Arrays.equals(head, 0, magic.length, magic, 0, magic.length);
  }
}
