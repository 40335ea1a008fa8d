package org.coreinfer.chat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
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

  /**
   * The JSON schema of one call of one of these tools, for an answer that must be a call: an object
   * with {@code name} and {@code arguments}.
   *
   * @param tools at least one
   */
  public static String callSchema(List<ToolDefinition> tools) {
    if (tools.isEmpty()) {
      throw new IllegalArgumentException("there are no tools to call");
    }
    JsonArray any = new JsonArray();
    tools.forEach(tool -> any.add(tool.callSchema()));
    JsonObject schema = new JsonObject();
    schema.add("anyOf", any);
    return (any.size() == 1 ? any.get(0) : schema).toString();
  }

  private JsonObject callSchema() {
    JsonObject name = new JsonObject();
    name.addProperty("const", this.name);
    JsonObject arguments = new JsonObject();
    arguments.addProperty("type", "object");
    JsonObject function = ChatJson.object("the tool " + this.name, json).getAsJsonObject("function");
    JsonObject properties = new JsonObject();
    properties.add("name", name);
    properties.add(
        "arguments",
        function.get("parameters") instanceof JsonObject parameters ? parameters : arguments);
    JsonArray required = new JsonArray();
    properties.keySet().forEach(required::add);
    JsonObject call = new JsonObject();
    call.addProperty("type", "object");
    call.add("properties", properties);
    call.add("required", required);
    call.addProperty("additionalProperties", false);
    return call;
  }
}
