package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.coreinfer.error.ModelFormatException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonConfigTest {
  private final Path file;

  JsonConfigTest(@TempDir Path folder) {
    this.file = folder.resolve("config.json");
  }

  @Test
  void readsTypedValues() {
    JsonConfig config =
        read(
            """
            {"model_type": "llama", "hidden_size": 4096, "rope_theta": 1e6, "eps": 1e-5,
             "context": 2048.0, "tied": true, "window": null, "big": 12345678901,
             "names": ["a", "b"], "eos": 2, "eoses": [2, 3], "factors": [1, 0.5],
             "rope_scaling": {"rope_type": "llama3", "factor": 8.0}}
            """);
    assertEquals("llama", config.string("model_type"));
    assertEquals("none", config.string("absent", "none"));
    assertEquals(4096, config.integer("hidden_size"));
    assertEquals(1_000_000, config.integer("rope_theta"));
    assertEquals(2048, config.integer("context"));
    assertEquals(7, config.integer("window", 7));
    assertEquals(4096, config.number("hidden_size"));
    assertEquals(1e-5, config.number("eps"));
    assertEquals(0.5, config.number("window", 0.5));
    assertTrue(config.flag("tied", false));
    assertTrue(config.flag("absent", true));
    assertEquals(List.of("a", "b"), config.strings("names"));
    assertArrayEquals(new long[] {2}, config.integers("eos"));
    assertArrayEquals(new long[] {2, 3}, config.integers("eoses"));
    assertArrayEquals(new long[] {12345678901L}, config.integers("big"));
    assertArrayEquals(new double[] {1, 0.5}, config.numbers("factors"));
    assertFalse(config.has("window"));
    assertTrue(config.keys().contains("window"));
    assertTrue(config.object("window").isEmpty());
    assertEquals(8, config.object("rope_scaling").orElseThrow().number("factor"));
  }

  @Test
  void namesFileAndKeyInItsMessages() {
    JsonConfig config =
        read(
            """
            {"text": "a", "number": 1.5, "far": 4294967296, "huge": 1e400, "flag": false,
             "list": [1, "a"], "nested": {"inner": {"key": []}}}
            """);
    assertRefused("absent: the key is missing", () -> config.string("absent"));
    assertRefused("flag: expected a string, found false", () -> config.string("flag"));
    assertRefused("text: expected a number, found \"a\"", () -> config.integer("text"));
    assertRefused("number: expected an integer, found 1.5", () -> config.integer("number"));
    assertRefused("far: the integer 4294967296 is out of range", () -> config.integer("far"));
    assertRefused("huge: the number is out of range", () -> config.number("huge"));
    assertRefused("text: expected a boolean", () -> config.flag("text", true));
    assertRefused("list: expected a string, found 1", () -> config.strings("list"));
    assertRefused("list: expected a number, found \"a\"", () -> config.integers("list"));
    assertRefused("text: expected an array", () -> config.strings("text"));
    assertRefused("nested: expected an array", () -> config.integers("nested"));
    assertRefused("text: expected an object", () -> config.object("text"));
    JsonConfig inner = config.object("nested").orElseThrow().object("inner").orElseThrow();
    assertRefused("nested.inner.key: expected a string", () -> inner.string("key"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "1",
        "{\"a\": 1",
        "{\"a\": 1} {}",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": {\"b\": 1, \"b\": 2}}",
        "{\"a\": NaN}",
        "{a: 1}",
        "{'a': 1}",
        "{\"a\": 01}",
        "{\"a\": 1,}",
        "{\"a\": \"\\x\"}",
        "{\"a\": // comment\n 1}"
      })
  void refusesWhatIsNotStrictJson(String text) {
    assertRefused("not valid JSON", () -> read(text));
  }

  @Test
  void refusesDeepNestingWithoutOverflow() {
    assertRefused("not valid JSON", () -> read("{\"a\":" + "[".repeat(100_000)));
    assertRefused("not valid JSON", () -> read("{\"a\":".repeat(100_000)));
  }

  @Test
  void refusesLargeFilesAndBrokenText() throws IOException {
    assertRefused("larger than", () -> read("{\"a\": \"" + "x".repeat(5 << 20) + "\"}"));
    Files.write(file, "{\"a\": \"\u00ff\"}".getBytes(StandardCharsets.ISO_8859_1));
    assertRefused("not valid JSON", () -> JsonConfig.read(file));
  }

  private JsonConfig read(String json) {
    try {
      return JsonConfig.read(Files.writeString(file, json));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void assertRefused(String expected, Executable action) {
    String message = String.valueOf(assertThrows(ModelFormatException.class, action).getMessage());
    assertTrue(message.contains("/config.json: "), message);
    assertTrue(message.contains(expected), message);
  }
}
