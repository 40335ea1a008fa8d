package org.coreinfer.weights;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.coreinfer.error.ModelFormatException;
import org.jspecify.annotations.Nullable;

/**
 * The key-value section of a GGUF file. Values are {@code String}, {@code Long}, {@code Double},
 * {@code Boolean}, or arrays: {@code List<String>}, {@code long[]}, {@code double[]}, {@code
 * boolean[]}. Asking for a missing key or another type is a {@link ModelFormatException} that names
 * file and key.
 */
public final class Metadata {
  private final String source;
  private final Map<String, Object> values;

  /** Copies nothing: {@code values} must not change any more. */
  public Metadata(String source, Map<String, Object> values) {
    this.source = source;
    this.values = Collections.unmodifiableMap(new TreeMap<>(values));
  }

  /** The file's name, for messages. */
  public String source() {
    return source;
  }

  public Map<String, Object> values() {
    return values;
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  public String string(String key) {
    return value(key, String.class, "a string");
  }

  public String string(String key, String fallback) {
    return has(key) ? string(key) : fallback;
  }

  /** An integer that fits an {@code int}. */
  public int integer(String key) {
    long value = value(key, Long.class, "an integer");
    if (value != (int) value) {
      throw wrong(key, "the integer " + value + " is out of range");
    }
    return (int) value;
  }

  public int integer(String key, int fallback) {
    return has(key) ? integer(key) : fallback;
  }

  /** A number; an integer counts as one. */
  public double number(String key) {
    return values.get(key) instanceof Long value ? value : value(key, Double.class, "a number");
  }

  public double number(String key, double fallback) {
    return has(key) ? number(key) : fallback;
  }

  public boolean flag(String key, boolean fallback) {
    return has(key) ? value(key, Boolean.class, "a boolean") : fallback;
  }

  public List<String> strings(String key) {
    List<?> list = value(key, List.class, "an array of strings");
    @SuppressWarnings("unchecked") // the reader puts only strings into lists
    List<String> strings = (List<String>) list;
    return strings;
  }

  public long[] integers(String key) {
    return value(key, long[].class, "an array of integers");
  }

  public double[] numbers(String key) {
    return value(key, double[].class, "an array of numbers");
  }

  private <T> T value(String key, Class<T> type, String expected) {
    @Nullable Object value = values.get(key);
    if (value == null) {
      throw wrong(key, "the key is missing");
    }
    if (!type.isInstance(value)) {
      throw wrong(key, "expected " + expected + ", found " + value.getClass().getSimpleName());
    }
    return type.cast(value);
  }

  private ModelFormatException wrong(String key, String what) {
    return new ModelFormatException(source + ": " + key + ": " + what);
  }
}
