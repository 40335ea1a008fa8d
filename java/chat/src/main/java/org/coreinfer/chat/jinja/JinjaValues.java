package org.coreinfer.chat.jinja;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes values for templates of Java's; what they say counts as foreign. */
public final class JinjaValues {
  private static final int LONGEST_NUMBER = 400;

  private JinjaValues() {}

  /** Python's {@code None}. */
  public static Object none() {
    return None.NONE;
  }

  /**
   * The value for null, a {@link Text}, a string, a number, a boolean, a list, a map with strings
   * as keys, or JSON.
   *
   * @throws IllegalArgumentException if it is anything else, or nested too deep
   */
  public static Object of(@Nullable Object value) {
    return of(value, 0);
  }

  private static Object of(@Nullable Object value, int depth) {
    if (depth > JinjaTemplate.DEEPEST) {
      throw new IllegalArgumentException("a value for the template is nested too deep");
    }
    if (value == null) {
      return None.NONE;
    }
    if (value instanceof String string) {
      return Text.foreign(string);
    }
    if (value instanceof Text || value instanceof Boolean || value instanceof None) {
      return value;
    }
    if (value instanceof JsonElement json) {
      return ofJson(json, depth);
    }
    if (value instanceof Integer || value instanceof Long || value instanceof Short) {
      return ((Number) value).longValue();
    }
    if (value instanceof Double || value instanceof Float) {
      return ((Number) value).doubleValue();
    }
    if (value instanceof BigInteger) {
      return value;
    }
    if (value instanceof List<?> list) {
      List<Object> items = new ArrayList<>(list.size());
      for (Object item : list) {
        items.add(of(item, depth + 1));
      }
      return items;
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> dict = new LinkedHashMap<>();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        dict.put(of(entry.getKey(), depth + 1), of(entry.getValue(), depth + 1));
      }
      return dict;
    }
    throw new IllegalArgumentException(
        "templates can't take a value of " + value.getClass().getSimpleName());
  }

  private static Object ofJson(JsonElement json, int depth) {
    if (json instanceof JsonObject object) {
      return of(object.asMap(), depth);
    }
    if (json instanceof JsonArray array) {
      return of(array.asList(), depth);
    }
    if (json instanceof JsonPrimitive primitive) {
      if (primitive.isBoolean()) {
        return primitive.getAsBoolean();
      }
      return primitive.isNumber()
          ? number(primitive.getAsString())
          : Text.foreign(primitive.getAsString());
    }
    return None.NONE;
  }

  private static Object number(String digits) {
    if (digits.length() > LONGEST_NUMBER) {
      throw new IllegalArgumentException("a number has " + digits.length() + " digits");
    }
    if (digits.chars().allMatch(c -> c == '-' || Characters.isDigit(c))) {
      BigInteger integer = new BigInteger(digits);
      return integer.bitLength() < Long.SIZE ? (Object) integer.longValue() : integer;
    }
    return Double.valueOf(digits);
  }
}
