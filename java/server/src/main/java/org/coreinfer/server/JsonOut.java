package org.coreinfer.server;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A JSON object that is written, key after key. Null is written as such; for one thread. */
final class JsonOut {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  private final JsonObject object = new JsonObject();

  JsonOut put(String key, @Nullable String value) {
    object.add(key, value == null ? JsonNull.INSTANCE : new JsonPrimitive(value));
    return this;
  }

  JsonOut put(String key, long value) {
    object.addProperty(key, value);
    return this;
  }

  /** JSON has no infinity and no NaN; they become null. */
  JsonOut put(String key, double value) {
    object.add(key, number(value));
    return this;
  }

  JsonOut put(String key, boolean value) {
    object.addProperty(key, value);
    return this;
  }

  JsonOut put(String key, @Nullable JsonOut value) {
    object.add(key, value == null ? JsonNull.INSTANCE : value.object);
    return this;
  }

  JsonOut put(String key, JsonElement value) {
    object.add(key, value);
    return this;
  }

  /** Everything that another object has. */
  JsonOut putAll(JsonOut other) {
    other.object.entrySet().forEach(entry -> object.add(entry.getKey(), entry.getValue()));
    return this;
  }

  /** A list of what {@code element} makes of each item. */
  <T> JsonOut putAll(String key, Iterable<T> items, Function<T, JsonElement> element) {
    JsonArray array = new JsonArray();
    items.forEach(item -> array.add(element.apply(item)));
    object.add(key, array);
    return this;
  }

  JsonOut putObjects(String key, Iterable<JsonOut> items) {
    return putAll(key, items, JsonOut::element);
  }

  JsonOut putStrings(String key, Iterable<String> items) {
    return putAll(key, items, JsonPrimitive::new);
  }

  JsonOut putNumbers(String key, Iterable<? extends Number> items) {
    return putAll(key, items, JsonPrimitive::new);
  }

  static JsonElement number(double value) {
    return Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
  }

  /** Rounded to three decimals: more is noise. */
  static double thousandths(double value) {
    return Math.rint(value * 1000) / 1000;
  }

  JsonElement element() {
    return object;
  }

  /** UTF-8, on one line. */
  byte[] bytes() {
    return toString().getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public String toString() {
    return GSON.toJson(object);
  }
}
