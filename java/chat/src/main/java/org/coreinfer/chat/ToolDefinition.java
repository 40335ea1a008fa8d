package org.coreinfer.chat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import org.jspecify.annotations.Nullable;

/**
 * A function that the model may call.
 *
 * @param name what calls name it by
 * @param json the definition in OpenAI's form, {@code {"type": "function", "function": {"name": …,
 *     "description": …, "parameters": …}}}; templates see its keys in this order
 */
public record ToolDefinition(String name, String json) {

  /**
   * Reads a definition in OpenAI's form; that of the function alone will do, too.
   *
   * @throws IllegalArgumentException if it is no JSON object, or has no name
   */
  public static ToolDefinition parse(String json) {
    JsonObject object = ChatJson.object("the tool", json);
    JsonObject function = object;
    if (object.has("function")) {
      if (!(object.get("function") instanceof JsonObject inner)) {
        throw new IllegalArgumentException("the tool's function is no JSON object");
      }
      function = inner;
    } else {
      object = new JsonObject();
      object.addProperty("type", "function");
      object.add("function", function);
    }
    @Nullable JsonElement name = function.get("name");
    if (!(name instanceof JsonPrimitive text) || !text.isString() || text.getAsString().isBlank()) {
      throw new IllegalArgumentException("the tool has no name");
    }
    return new ToolDefinition(text.getAsString(), object.toString());
  }

  /**
   * A definition of these parts.
   *
   * @param parameters a JSON schema of the arguments
   */
  public static ToolDefinition of(String name, String description, String parameters) {
    JsonObject function = new JsonObject();
    function.addProperty("name", name);
    function.addProperty("description", description);
    function.add("parameters", ChatJson.object("the parameters of " + name, parameters));
    return parse(function.toString());
  }
}
