package org.coreinfer.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.coreinfer.error.ModelFormatException;
import org.jspecify.annotations.Nullable;

/**
 * A value of a JSON file that knows where it stands: asking for another type than it has is an
 * exception with file and field.
 */
final class JsonNode {
  private static final long MAX_BYTES = 512L << 20;

  private final String file;
  private final @Nullable JsonNode parent;
  private final String step;
  private final JsonElement element;

  private JsonNode(String file, @Nullable JsonNode parent, String step, JsonElement element) {
    this.file = file;
    this.parent = parent;
    this.step = step;
    this.element = element;
  }

  static JsonNode parse(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_BYTES) {
        throw new ModelFormatException(
            file + ": has " + bytes + " bytes, expected at most " + MAX_BYTES);
      }
      try (Reader text = Files.newBufferedReader(file, StandardCharsets.UTF_8);
          JsonReader reader = new JsonReader(text)) {
        return parse(file.toString(), reader);
      }
    } catch (IOException | JsonParseException | IllegalStateException broken) {
      throw new ModelFormatException(
          file + ": cannot be read as JSON: " + broken.getMessage(), broken);
    }
  }

  /** A JSON text that stands in {@code file}, not as its only content. */
  static JsonNode parse(String file, String json) {
    try (JsonReader reader = new JsonReader(new StringReader(json))) {
      return parse(file, reader);
    } catch (IOException | JsonParseException | IllegalStateException broken) {
      throw new ModelFormatException(
          file + ": cannot be read as JSON: " + broken.getMessage(), broken);
    }
  }

  private static JsonNode parse(String file, JsonReader reader) {
    reader.setStrictness(Strictness.STRICT);
    return new JsonNode(file, null, "", JsonParser.parseReader(reader));
  }

  boolean isObject() {
    return element.isJsonObject();
  }

  boolean isList() {
    return element.isJsonArray();
  }

  boolean isString() {
    return element instanceof JsonPrimitive primitive && primitive.isString();
  }

  /** The member, or null if it is missing or null. */
  @Nullable JsonNode find(String key) {
    JsonElement member = object().get(key);
    return member == null || member.isJsonNull() ? null : new JsonNode(file, this, key, member);
  }

  JsonNode get(String key) {
    JsonNode member = find(key);
    if (member == null) {
      throw wrong(key + " is missing");
    }
    return member;
  }

  String string(String key, String fallback) {
    JsonNode member = find(key);
    return member == null ? fallback : member.string();
  }

  boolean flag(String key, boolean fallback) {
    JsonNode member = find(key);
    return member == null ? fallback : member.flag();
  }

  String string() {
    if (!isString()) {
      throw wrong("expected a string, found " + kind());
    }
    return element.getAsString();
  }

  boolean flag() {
    if (element instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw wrong("expected true or false, found " + kind());
  }

  /** Whether a number is zero. */
  boolean isZero() {
    if (element instanceof JsonPrimitive primitive && primitive.isNumber()) {
      return primitive.getAsDouble() == 0;
    }
    throw wrong("expected a number, found " + kind());
  }

  int integer() {
    if (element instanceof JsonPrimitive primitive && primitive.isNumber()) {
      try {
        return Integer.parseInt(primitive.getAsString());
      } catch (NumberFormatException outOfRange) {
        throw wrong("expected a 32-bit integer, found " + kind());
      }
    }
    throw wrong("expected an integer, found " + kind());
  }

  int tokenId() {
    int id = integer();
    if (id < 0 || id >= Vocabulary.MAX_SIZE) {
      throw wrong("expected a token id, 0 to " + (Vocabulary.MAX_SIZE - 1) + ", found " + id);
    }
    return id;
  }

  List<JsonNode> list() {
    if (!(element instanceof JsonArray array)) {
      throw wrong("expected a list, found " + kind());
    }
    List<JsonNode> nodes = new ArrayList<>(array.size());
    for (int i = 0; i < array.size(); i++) {
      nodes.add(new JsonNode(file, this, Integer.toString(i), array.get(i)));
    }
    return nodes;
  }

  int size() {
    return element instanceof JsonArray array ? array.size() : object().size();
  }

  /** Passes on the members in the order of the file. */
  void forEach(BiConsumer<String, JsonNode> action) {
    for (Map.Entry<String, JsonElement> member : object().entrySet()) {
      action.accept(member.getKey(), new JsonNode(file, this, member.getKey(), member.getValue()));
    }
  }

  private JsonObject object() {
    if (element instanceof JsonObject object) {
      return object;
    }
    throw wrong("expected an object, found " + kind());
  }

  /** The file and the field, such as {@code tokenizer.json: model.merges.17}, for messages. */
  String where() {
    if (parent == null) {
      return file;
    }
    String separator = parent.parent == null ? ": " : ".";
    return parent.where() + separator + (step.length() > 60 ? step.substring(0, 60) + "…" : step);
  }

  ModelFormatException wrong(String what) {
    return new ModelFormatException(where() + ": " + what);
  }

  private String kind() {
    if (element.isJsonObject()) {
      return "an object";
    }
    if (element.isJsonArray()) {
      return "a list";
    }
    return element.isJsonNull() ? "null" : Vocabulary.quote(element.getAsString());
  }
}
