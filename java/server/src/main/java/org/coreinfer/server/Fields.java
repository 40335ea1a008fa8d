package org.coreinfer.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a request's JSON object, read by name and type. A field that is null counts as
 * absent; one of the wrong type or out of range is an {@link ApiException} that names it. What
 * nobody asked for is {@link #ignored}. For one thread.
 */
final class Fields {
  private final JsonObject object;
  private final String prefix;
  private final Set<String> known = new HashSet<>();
  private final Map<String, Fields> children = new LinkedHashMap<>();

  private Fields(JsonObject object, String prefix) {
    this.object = object;
    this.prefix = prefix;
  }

  static Fields of(JsonObject object) {
    return new Fields(object, "");
  }

  /** A field's name from the top, such as {@code stream_options.include_usage}. */
  String nameOf(String name) {
    return prefix + name;
  }

  boolean has(String name) {
    return element(name) != null;
  }

  /** The field as it is; null if it is absent. */
  @Nullable JsonElement element(String name) {
    known.add(name);
    JsonElement value = object.get(name);
    return value == null || value.isJsonNull() ? null : value;
  }

  @Nullable String string(String name) {
    JsonElement value = element(name);
    return value == null ? null : stringOf(value, nameOf(name));
  }

  String string(String name, String otherwise) {
    String value = string(name);
    return value == null ? otherwise : value;
  }

  String requiredString(String name) {
    String value = string(name);
    if (value == null) {
      throw missing(name, "a string");
    }
    return value;
  }

  ApiException missing(String name, String expected) {
    return ApiException.invalid(nameOf(name), nameOf(name) + ": is missing; expected " + expected);
  }

  boolean bool(String name, boolean otherwise) {
    Boolean value = bool(name);
    return value == null ? otherwise : value;
  }

  @Nullable Boolean bool(String name) {
    JsonElement value = element(name);
    if (value == null) {
      return null;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw wrongType(nameOf(name), "true or false", value);
  }

  @Nullable Double number(String name) {
    JsonElement value = element(name);
    if (value == null) {
      return null;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isNumber()) {
      return primitive.getAsDouble();
    }
    throw wrongType(nameOf(name), "a number", value);
  }

  double number(String name, double otherwise) {
    Double value = number(name);
    return value == null ? otherwise : value;
  }

  @Nullable Long whole(String name) {
    JsonElement value = element(name);
    return value == null ? null : wholeOf(value, nameOf(name));
  }

  /** A whole number of this range. */
  int integer(String name, int least, int most, int otherwise) {
    Long value = whole(name);
    if (value == null) {
      return otherwise;
    }
    if (value < least || value > most) {
      throw ApiException.invalid(
          nameOf(name), "%s=%d: expected %d to %d".formatted(nameOf(name), value, least, most));
    }
    return value.intValue();
  }

  /** An object's fields; empty if it is absent. */
  Fields object(String name) {
    JsonElement value = element(name);
    return child(value == null ? new JsonObject() : objectOf(value, nameOf(name)), name);
  }

  @Nullable JsonArray array(String name) {
    JsonElement value = element(name);
    return value == null ? null : arrayOf(value, nameOf(name));
  }

  /** The objects of a list; empty if it is absent. */
  List<Fields> objects(String name) {
    List<Fields> objects = new ArrayList<>();
    JsonArray array = array(name);
    for (int i = 0; array != null && i < array.size(); i++) {
      String each = name + "[" + i + "]";
      objects.add(child(objectOf(array.get(i), nameOf(each)), each));
    }
    return objects;
  }

  private Fields child(JsonObject value, String name) {
    return children.computeIfAbsent(name, each -> new Fields(value, nameOf(each) + "."));
  }

  /** Names of fields that nobody read. */
  List<String> ignored() {
    List<String> names = new ArrayList<>();
    for (Map.Entry<String, JsonElement> entry : object.entrySet()) {
      if (!known.contains(entry.getKey())) {
        names.add(nameOf(entry.getKey()));
      }
    }
    children.values().forEach(child -> names.addAll(child.ignored()));
    return names;
  }

  static String stringOf(JsonElement value, String name) {
    if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw wrongType(name, "a string", value);
  }

  static long wholeOf(JsonElement value, String name) {
    if (value instanceof JsonPrimitive primitive && primitive.isNumber()) {
      double number = primitive.getAsDouble();
      if (number == Math.rint(number) && Math.abs(number) <= Long.MAX_VALUE / 2.0) {
        return primitive.getAsNumber() instanceof Long exact ? exact : (long) number;
      }
      throw ApiException.invalid(
          name, name + "=" + primitive.getAsString() + ": expected a whole number");
    }
    throw wrongType(name, "a whole number", value);
  }

  static JsonObject objectOf(JsonElement value, String name) {
    if (value instanceof JsonObject found) {
      return found;
    }
    throw wrongType(name, "an object", value);
  }

  static JsonArray arrayOf(JsonElement value, String name) {
    if (value instanceof JsonArray found) {
      return found;
    }
    throw wrongType(name, "a list", value);
  }

  static ApiException wrongType(String name, String expected, JsonElement found) {
    return ApiException.invalid(
        name, "%s: expected %s, found %s".formatted(name, expected, kind(found)));
  }

  /** What a value is, for people; never the value itself, which may be long. */
  private static String kind(JsonElement value) {
    if (value instanceof JsonPrimitive primitive) {
      if (primitive.isString()) {
        return "a string";
      }
      return primitive.isNumber() ? "a number" : "true or false";
    }
    if (value.isJsonNull()) {
      return "null";
    }
    return value.isJsonArray() ? "a list" : "an object";
  }
}
