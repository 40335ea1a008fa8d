package org.coreinfer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where tests find their files: test-data in the repository, and the shared folder beside it, which
 * may be absent.
 */
public final class TestData {
  private TestData() {}

  /** A path below test-data. */
  public static Path file(String name) {
    return Path.of(System.getProperty("coreinfer.testData", "../../test-data"), name);
  }

  /** A path in the shared folder; the test is skipped where it is absent. */
  public static Path shared(String name) {
    Path path = Path.of(System.getProperty("coreinfer.shared", "../../../shared"), name);
    assumeTrue(Files.exists(path), path + " is absent: it is not part of the repository");
    return path;
  }

  /** The names of the tiny models of each family, below {@code families}. */
  public static List<String> families() {
    try (Stream<Path> folders = Files.list(file("families"))) {
      return folders.map(folder -> folder.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static JsonObject json(Path file) {
    try {
      return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    } catch (IOException e) {
      throw new IllegalStateException(file.toString(), e);
    }
  }

  public static int[] ints(JsonArray array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getAsInt();
    }
    return values;
  }

  /** A raw little-endian file of floats. */
  public static FloatBuffer floats(Path file) {
    try {
      return ByteBuffer.wrap(Files.readAllBytes(file))
          .order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer();
    } catch (IOException e) {
      throw new IllegalStateException(file.toString(), e);
    }
  }
}
