package org.coreinfer.weights;

import static org.coreinfer.weights.SafetensorsBytes.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thousands of broken files: each is refused in a sentence that names it, or loads with every
 * tensor readable, in little time and heap.
 */
class HostileFilesTest {
  private static final Duration LIMIT = Duration.ofMinutes(2);
  private static final long HEAP_LIMIT = 8L << 20; // of one file of a few KB
  private static final long[] NUMBERS = {-1, 1L << 31, 1L << 40, Long.MAX_VALUE};
  private static final String CONFIG =
      "{\"model_type\":\"llama\",\"eos_token_id\":[1,2],\"rope_scaling\":{\"factor\":8.0}}";
  private static final String HEADER =
      "{\"__metadata__\":{\"format\":\"pt\"},"
          + String.join(
              ",",
              entry("a", "F32", "[2,3]", 0, 24),
              entry("b", "BF16", "[4]", 24, 32),
              entry("c", "I64", "[1]", 32, 40))
          + "}";
  private static final String INDEX =
      "{\"metadata\":{\"total_size\":40},\"weight_map\":{\"a\":\"s.safetensors\",\"b\":\"s.safetensors\"}}";

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final Random random = new Random(20);
  private final Path folder;
  private int refused;
  private int loaded;

  HostileFilesTest(@TempDir Path folder) throws IOException {
    this.folder = Files.createDirectory(folder.resolve("hostile"));
  }

  @Test
  void survivesBrokenGgufFiles() {
    byte[] good = goodGguf();
    int header = good.length - 2_528; // less the data
    within(
        LIMIT,
        () -> {
          truncate(good, header, this::tryGguf);
          flip(good, header, this::tryGguf);
          overwriteNumbers(good, header, this::tryGguf);
          scramble(good, 500, this::tryGguf);
        });
    assertTried(5_000);
  }

  @Test
  void survivesBrokenSafetensorsFiles() {
    write("config.json", CONFIG.getBytes(StandardCharsets.UTF_8));
    byte[] good = SafetensorsBytes.of(HEADER, 40);
    within(
        LIMIT,
        () -> {
          truncate(good, good.length, bytes -> tryFolder("model.safetensors", bytes));
          flip(good, 8 + HEADER.length(), bytes -> tryFolder("model.safetensors", bytes));
          overwriteNumbers(good, 1, bytes -> tryFolder("model.safetensors", bytes));
          scramble(good, 500, bytes -> tryFolder("model.safetensors", bytes));
          mutateJson(
              HEADER,
              json -> tryFolder("model.safetensors", SafetensorsBytes.of(json.length, json, 40)));
        });
    assertTried(3_000);
  }

  @Test
  void survivesBrokenConfigs() {
    write("model.safetensors", SafetensorsBytes.of(HEADER, 40));
    within(LIMIT, () -> mutateJson(CONFIG, bytes -> tryFolder("config.json", bytes)));
    assertTried(500);
  }

  @Test
  void survivesBrokenIndexes() {
    write("config.json", CONFIG.getBytes(StandardCharsets.UTF_8));
    write("s.safetensors", SafetensorsBytes.of(HEADER, 40));
    within(
        LIMIT, () -> mutateJson(INDEX, bytes -> tryFolder("model.safetensors.index.json", bytes)));
    assertTried(500);
  }

  @Test
  void loadsScalesThatAreNaN() {
    byte[] file = GgufBytes.withTensors(2).tensor("q8", 8, 0, 32).tensor("q4", 2, 64, 32).data(96);
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putShort(file.length - 96, (short) 0x7e00).putShort(file.length - 32, (short) 0xffff);
    tryGguf(file);
    assertEquals(1, loaded);
  }

  @Test
  void refusesHeadersThatFillTheFileAndWouldFillTheHeap() {
    int strings = 6_000_000;
    byte[] head = GgufBytes.start(3, 0, 1).string("k").int32(9).int32(8).int64(strings).toBytes();
    byte[] file = Arrays.copyOf(head, head.length + 8 * strings); // empty strings, 48 MB of them
    within(
        LIMIT,
        () -> {
          write("model.gguf", file);
          String message = tryOpen(folder.resolve("model.gguf"), 512L << 20);
          assertTrue(message.contains("more than 256 MiB of heap"), message);
        });
  }

  private interface Attempt {
    void open(byte[] bytes) throws IOException;
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void within(Duration limit, Work work) {
    assertTimeoutPreemptively(limit, work::run);
  }

  private void assertTried(int least) {
    assertTrue(refused + loaded >= least, "tried " + (refused + loaded));
    assertTrue(refused > 0 && loaded > 0, "refused " + refused + ", loaded " + loaded);
  }

  /** Every prefix of the header, and some that reach into the data. */
  private static void truncate(byte[] good, int header, Attempt attempt) throws IOException {
    for (int length = 0; length <= good.length; length += length < header ? 1 : 13) {
      attempt.open(Arrays.copyOf(good, length));
    }
    attempt.open(good);
  }

  /** Every byte of the header, each with several other values. */
  private static void flip(byte[] good, int header, Attempt attempt) throws IOException {
    for (int i = 0; i < header; i++) {
      for (int value : new int[] {0, 0xff, good[i] ^ 0x80, good[i] + 1}) {
        byte[] broken = good.clone();
        broken[i] = (byte) value;
        attempt.open(broken);
      }
    }
  }

  /** Numbers that are easy to get wrong, at every position. */
  private static void overwriteNumbers(byte[] good, int header, Attempt attempt)
      throws IOException {
    for (int i = 0; i < header; i++) {
      for (long number : NUMBERS) {
        byte[] broken = good.clone();
        ByteBuffer.wrap(broken).order(ByteOrder.LITTLE_ENDIAN).putLong(i, number);
        attempt.open(broken);
      }
    }
  }

  /** Several bytes at once, and pieces moved about. */
  private void scramble(byte[] good, int rounds, Attempt attempt) throws IOException {
    for (int round = 0; round < rounds; round++) {
      byte[] broken = good.clone();
      for (int i = random.nextInt(8); i >= 0; i--) {
        broken[random.nextInt(broken.length)] = (byte) random.nextInt();
      }
      int length = random.nextInt(64);
      System.arraycopy(
          broken,
          random.nextInt(broken.length - length),
          broken,
          random.nextInt(broken.length - length),
          length);
      attempt.open(broken);
    }
  }

  /** Every character replaced, doubled, removed, and every value replaced by another kind. */
  private static void mutateJson(String json, Attempt attempt) throws IOException {
    byte[] good = json.getBytes(StandardCharsets.UTF_8);
    truncate(good, good.length, attempt);
    List<String> pieces = List.of("", "\"", "{", "]", ",", "9", "-", "\\", "\u00ff");
    for (int i = 0; i < json.length(); i++) {
      for (String piece : pieces) {
        String broken = json.substring(0, i) + piece + json.substring(i + 1);
        attempt.open(broken.getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    for (String value :
        List.of("null", "{}", "[]", "-1", "1.5", "true", "\"\"", "18446744073709551616")) {
      attempt.open(json.replaceAll("\\d+", value).getBytes(StandardCharsets.UTF_8));
      attempt.open(
          json.replaceAll("\"[^\"]*\"([,}])", value + "$1").getBytes(StandardCharsets.UTF_8));
      attempt.open(json.replaceAll("\\[[^\\]]*\\]", value).getBytes(StandardCharsets.UTF_8));
    }
    attempt.open("{\"a\":[".repeat(100_000).getBytes(StandardCharsets.UTF_8));
    attempt.open("[".repeat(100_000).getBytes(StandardCharsets.UTF_8));
  }

  private byte[] goodGguf() {
    GgufWriter writer = new GgufWriter();
    writer.string("general.architecture", "llama");
    writer.integer("general.alignment", 32);
    writer.number("rope", 0.5f);
    writer.flag("bos", true);
    writer.strings("tokens", List.of("a", "", "grün"));
    writer.integers("types", new int[] {1, 2, 3});
    writer.numbers("scores", new float[] {0, -1, -2});
    for (DType dtype :
        new DType[] {DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q5_1, DType.Q5_K}) {
      int columns = Math.max(64, dtype.groupSize());
      writer.tensor(
          dtype + ".weight", dtype, 4, columns, (row, values) -> Arrays.fill(values, row));
    }
    writer.tensor("norm", DType.F32, 1, 3, (row, values) -> {});
    Path file = folder.resolve("good.gguf");
    writer.write(file, (written, total) -> {});
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      return fail(e);
    }
  }

  private void tryGguf(byte[] bytes) {
    write("model.gguf", bytes);
    tryOpen(folder.resolve("model.gguf"), HEAP_LIMIT);
  }

  private void tryFolder(String name, byte[] bytes) {
    write(name, bytes);
    tryOpen(folder, HEAP_LIMIT);
  }

  /** Opens a model and reads all of it; returns the message if it is refused. */
  private String tryOpen(Path path, long heapLimit) {
    long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    String message = "";
    try (WeightFile file = WeightFile.open(path, TestFiles::map)) {
      readAll(file);
      loaded++;
    } catch (ModelFormatException e) {
      message = String.valueOf(e.getMessage());
      assertTrue(message.contains(path.getFileName().toString()), message);
      assertTrue(message.length() < 600 && message.lines().count() == 1, message);
      refused++;
    }
    long allocated = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
    assertTrue(allocated < heapLimit, "allocated " + allocated + " bytes: " + message);
    return message;
  }

  private static void readAll(WeightFile file) {
    for (Tensor tensor : file.tensors().values()) {
      assertEquals(tensor, file.tensor(tensor.name()));
      for (int row = 0; row < tensor.rows(); row++) {
        assertEquals(tensor.columns(), TestFiles.row(tensor, row).length);
      }
    }
    for (String name : file.unsupported().keySet()) {
      try {
        fail("unsupported, but found: " + file.tensor(name));
      } catch (ModelFormatException e) {
        assertTrue(String.valueOf(e.getMessage()).startsWith(file.name()));
      }
    }
  }

  private void write(String name, byte[] bytes) {
    Path file = folder.resolve(name);
    try {
      Files.deleteIfExists(file); // truncating it instead would wait for the disk
      Files.write(file, bytes);
    } catch (IOException e) {
      fail(e);
    }
  }
}
