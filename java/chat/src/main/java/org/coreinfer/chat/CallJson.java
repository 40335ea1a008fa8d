package org.coreinfer.chat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Reads calls from JSON: one object, or a list of such. */
final class CallJson {
  /** Mistral's templates want exactly so many letters and digits. */
  private static final int ID_LENGTH = 9;

  private static final String ID_CHARACTERS =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  private static final SecureRandom RANDOM = new SecureRandom();

  private CallJson() {}

  /**
   * The calls of a JSON text; null if it is broken, or anything else.
   *
   * @param isMarked whether something else says that this is a call, so that it may lack arguments
   * @param isKnown whether there is a function of this name
   */
  static @Nullable List<ToolCall> read(String json, boolean isMarked, Predicate<String> isKnown) {
    JsonElement value;
    try {
      value = ChatJson.value("a call", json);
    } catch (IllegalArgumentException e) {
      return null; // text, as the model wrote it
    }
    List<JsonElement> elements = value instanceof JsonArray array ? array.asList() : List.of(value);
    List<ToolCall> calls = new ArrayList<>();
    for (JsonElement element : elements) {
      ToolCall call = call(element, isMarked);
      if (call == null || !isKnown.test(call.name())) {
        return null;
      }
      calls.add(call);
    }
    return calls.isEmpty() ? null : calls;
  }

  private static @Nullable ToolCall call(JsonElement element, boolean isMarked) {
    if (!(element instanceof JsonObject object)) {
      return null;
    }
    JsonObject function = object.get("function") instanceof JsonObject inner ? inner : object;
    String name = string(function.get("name"));
    JsonElement given =
        function.has("arguments") ? function.get("arguments") : function.get("parameters");
    String arguments = given == null && isMarked ? "{}" : arguments(given);
    if (name == null || name.isEmpty() || arguments == null) {
      return null;
    }
    String id = string(object.get("id"));
    return new ToolCall(id == null || id.isEmpty() ? newId() : id, name, arguments);
  }

  /** An object, or a string that holds one. */
  private static @Nullable String arguments(@Nullable JsonElement given) {
    if (given instanceof JsonObject) {
      return given.toString();
    }
    String text = string(given);
    if (text == null) {
      return null;
    }
    try {
      return ChatJson.object("the arguments", text).toString();
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static @Nullable String string(@Nullable JsonElement element) {
    return element instanceof JsonPrimitive primitive && primitive.isString()
        ? primitive.getAsString()
        : null;
  }

  private static String newId() {
    StringBuilder id = new StringBuilder();
    for (int i = 0; i < ID_LENGTH; i++) {
      id.append(ID_CHARACTERS.charAt(RANDOM.nextInt(ID_CHARACTERS.length())));
    }
    return id.toString();
  }
}
