package org.coreinfer.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.coreinfer.error.ModelFormatException;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a JSON file such as config.json, by key; a key whose value is null counts as
 * missing. Asking for a missing key or another type is a {@link ModelFormatException} that names
 * file and key.
 */
public final class JsonConfig {
  private static final int MAX_BYTES = 4 << 20;
  private static final double MAX_EXACT = 0x1p53; // up to here a double holds every integer

  private final String source;
  private final String prefix;
  private final JsonObject object;

  /**
   * Wraps an object, which must not change any more.
   *
   * @param source the file's name, for messages
   */
  public JsonConfig(String source, JsonObject object) {
    this(source, "", object);
  }

  private JsonConfig(String source, String prefix, JsonObject object) {
    this.source = source;
    this.prefix = prefix;
    this.object = object;
  }

  /** Reads a file of up to 4 MiB that holds one object. */
  public static JsonConfig read(Path file) {
    return new JsonConfig(FileHead.nameInFolder(file), StrictJson.read(file, MAX_BYTES));
  }

  /** The file's name, for messages. */
  public String source() {
    return source;
  }

  /** Every key, in file order, also those whose value is null. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(object.keySet());
  }

  public boolean has(String key) {
    return present(key) != null;
  }

  public String string(String key) {
    return string(key, required(key));
  }

  public String string(String key, String fallback) {
    return has(key) ? string(key) : fallback;
  }

  /** An integer that fits an {@code int}. */
  public int integer(String key) {
    long value = integer(key, required(key));
    if (value != (int) value) {
      throw wrong(key, "the integer " + value + " is out of range");
    }
    return (int) value;
  }

  public int integer(String key, int fallback) {
    return has(key) ? integer(key) : fallback;
  }

  /** A finite number. */
  public double number(String key) {
    return number(key, required(key));
  }

  public double number(String key, double fallback) {
    return has(key) ? number(key) : fallback;
  }

  public boolean flag(String key, boolean fallback) {
    if (!has(key)) {
      return fallback;
    }
    JsonElement value = required(key);
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isBoolean()) {
      throw unexpected(key, "a boolean", value);
    }
    return primitive.getAsBoolean();
  }

  public List<String> strings(String key) {
    List<String> strings = new ArrayList<>();
    for (JsonElement value : array(key, "an array of strings")) {
      strings.add(string(key, value));
    }
    return List.copyOf(strings);
  }

  /**
   * An array of integers; a lone integer counts as one, as eos_token_id is written in both ways.
   */
  public long[] integers(String key) {
    if (required(key) instanceof JsonPrimitive lone) {
      return new long[] {integer(key, lone)};
    }
    JsonArray array = array(key, "an array of integers");
    long[] integers = new long[array.size()];
    for (int i = 0; i < integers.length; i++) {
      integers[i] = integer(key, array.get(i));
    }
    return integers;
  }

  public double[] numbers(String key) {
    JsonArray array = array(key, "an array of numbers");
    double[] numbers = new double[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = number(key, array.get(i));
    }
    return numbers;
  }

  /** A nested object, such as rope_scaling; its messages name the keys on the way to it. */
  public Optional<JsonConfig> object(String key) {
    @Nullable JsonElement value = present(key);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof JsonObject nested)) {
      throw unexpected(key, "an object", value);
    }
    return Optional.of(new JsonConfig(source, prefix + key + ".", nested));
  }

  private JsonArray array(String key, String expected) {
    JsonElement value = required(key);
    if (!(value instanceof JsonArray array)) {
      throw unexpected(key, expected, value);
    }
    return array;
  }

  private String string(String key, JsonElement value) {
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isString()) {
      throw unexpected(key, "a string", value);
    }
    return primitive.getAsString();
  }

  private long integer(String key, JsonElement value) {
    double number = number(key, value);
    String digits = value.getAsString();
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      if (number != Math.rint(number) || Math.abs(number) > MAX_EXACT) {
        throw unexpected(key, "an integer", value);
      }
      return (long) number; // written as 4096.0 or 1e6
    }
  }

  private double number(String key, JsonElement value) {
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isNumber()) {
      throw unexpected(key, "a number", value);
    }
    double number = Double.parseDouble(primitive.getAsString());
    if (!Double.isFinite(number)) {
      throw wrong(key, "the number is out of range");
    }
    return number;
  }

  private @Nullable JsonElement present(String key) {
    @Nullable JsonElement value = object.get(key);
    return value == null || value.isJsonNull() ? null : value;
  }

  private JsonElement required(String key) {
    @Nullable JsonElement value = present(key);
    if (value == null) {
      throw wrong(key, "the key is missing");
    }
    return value;
  }

  private ModelFormatException unexpected(String key, String expected, JsonElement found) {
    return wrong(key, "expected " + expected + ", found " + Printable.of(found.toString()));
  }

  private ModelFormatException wrong(String key, String what) {
    return new ModelFormatException(source + ": " + prefix + key + ": " + what);
  }
}
