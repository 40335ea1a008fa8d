package org.coreinfer.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.error.ModelFormatException;

/**
 * JSON that is exactly JSON: valid UTF-8, no duplicate keys, no text after the value, at most 64
 * levels deep. Everything else is a {@link ModelFormatException} that names the file.
 */
public final class StrictJson {
  private static final int MAX_DEPTH = 64;
  private static final String GSON_ADVICE =
      "Use JsonReader.setStrictness(Strictness.LENIENT) to accept malformed JSON ";

  private StrictJson() {}

  /** Takes one value from a reader. */
  @FunctionalInterface
  interface Parser<T> {
    T parse(JsonReader reader) throws IOException;
  }

  /**
   * A file that holds one object; its numbers are {@code Long} where they fit, {@code Double}
   * elsewhere.
   *
   * @throws ModelFormatException if it holds something else, or is larger than {@code maxBytes}
   */
  public static JsonObject read(Path file, int maxBytes) {
    return parse(file, FileHead.nameInFolder(file), maxBytes, StrictJson::object);
  }

  /**
   * Bytes that hold one object, with numbers as {@link #read} gives them.
   *
   * @param source names them in messages
   * @throws ModelFormatException if they hold something else
   */
  public static JsonObject parse(byte[] bytes, String source) {
    return parse(new ByteArrayInputStream(bytes), source, StrictJson::object);
  }

  /**
   * A file's only value.
   *
   * @param source names the file in messages
   */
  static <T> T parse(Path file, String source, int maxBytes, Parser<T> parser) {
    FileHead.requireRegularFile(file);
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(maxBytes + 1);
    } catch (IOException e) {
      throw FileHead.unreadable(file, e);
    }
    if (bytes.length > maxBytes) {
      throw new ModelFormatException(source + ": larger than " + maxBytes + " bytes");
    }
    return parse(new ByteArrayInputStream(bytes), source, parser);
  }

  /** The only value of a stream that lies in memory. */
  static <T> T parse(InputStream in, String source, Parser<T> parser) {
    JsonReader reader =
        new JsonReader(
            new InputStreamReader(
                in,
                StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)));
    reader.setStrictness(Strictness.STRICT);
    reader.setNestingLimit(MAX_DEPTH);
    try {
      T value = parser.parse(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new ModelFormatException(source + ": text after the end of the JSON value");
      }
      return value;
    } catch (IOException | IllegalStateException | NumberFormatException e) {
      throw new ModelFormatException(source + ": not valid JSON: " + reason(e), e);
    }
  }

  /** The object that comes next. */
  static JsonObject object(JsonReader reader) throws IOException {
    JsonObject object = new JsonObject();
    reader.beginObject();
    while (reader.hasNext()) {
      String key = reader.nextName();
      if (object.has(key)) {
        throw duplicate(key);
      }
      object.add(key, element(reader));
    }
    reader.endObject();
    return object;
  }

  /** What to throw, inside of a {@link Parser}, for a key that was there before. */
  static IOException duplicate(String key) {
    return new IOException("the key " + Printable.of(key) + " appears twice");
  }

  private static JsonElement element(JsonReader reader) throws IOException {
    JsonToken token = reader.peek();
    return switch (token) {
      case BEGIN_OBJECT -> object(reader);
      case BEGIN_ARRAY -> array(reader);
      case STRING -> new JsonPrimitive(reader.nextString());
      case NUMBER -> new JsonPrimitive(number(reader.nextString()));
      case BOOLEAN -> new JsonPrimitive(reader.nextBoolean());
      case NULL -> {
        reader.nextNull();
        yield JsonNull.INSTANCE;
      }
      default -> throw new IOException("expected a value, found " + token);
    };
  }

  private static JsonArray array(JsonReader reader) throws IOException {
    JsonArray array = new JsonArray();
    reader.beginArray();
    while (reader.hasNext()) {
      array.add(element(reader));
    }
    reader.endArray();
    return array;
  }

  private static Number number(String text) {
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException e) {
      return Double.valueOf(text);
    }
  }

  /**
   * Gson's messages go on for lines, and give advice to whoever calls it; what remains says where.
   */
  private static String reason(Exception e) {
    String message = String.valueOf(e.getMessage());
    String first = message.lines().findFirst().orElse(message);
    return Printable.of(first.replace(GSON_ADVICE, ""));
  }
}
