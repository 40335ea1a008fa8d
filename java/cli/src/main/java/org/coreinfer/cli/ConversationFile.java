package org.coreinfer.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ToolCall;
import org.coreinfer.chat.ToolDefinition;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * A conversation as JSON, in OpenAI's form: an object with {@code messages}, and perhaps {@code
 * tools} and {@code chat_template_kwargs}; or the list of messages alone.
 *
 * @param variables further ones of the template
 */
record ConversationFile(
    List<ChatMessage> messages, List<ToolDefinition> tools, Map<String, Object> variables) {

  /**
   * Reads a conversation.
   *
   * @param source names the text in messages
   */
  static ConversationFile parse(String source, String json) {
    try {
      JsonElement root = JsonParser.parseString(json);
      JsonObject object = new JsonObject();
      if (root instanceof JsonArray list) {
        object.add("messages", list);
      } else {
        object = object(root, "the conversation");
      }
      List<ChatMessage> messages = new ArrayList<>();
      for (JsonElement message : list(object, "messages")) {
        messages.add(message(object(message, "a message")));
      }
      if (messages.isEmpty()) {
        throw new IllegalArgumentException("there are no messages");
      }
      List<ToolDefinition> tools = new ArrayList<>();
      for (JsonElement tool : list(object, "tools")) {
        tools.add(ToolDefinition.parse(tool.toString()));
      }
      Map<String, Object> variables = new LinkedHashMap<>();
      if (object.get("chat_template_kwargs") instanceof JsonObject given) {
        variables.putAll(given.asMap());
      }
      return new ConversationFile(messages, tools, variables);
    } catch (JsonParseException e) {
      throw new CoreInferException(source + ": is no JSON: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new CoreInferException(source + ": " + e.getMessage(), e);
    }
  }

  /** Messages as JSON that {@link #parse} reads. */
  static String write(List<ChatMessage> messages) {
    JsonArray list = new JsonArray();
    for (ChatMessage message : messages) {
      JsonObject json = new JsonObject();
      json.addProperty("role", message.role());
      json.addProperty("content", message.content());
      list.add(json);
    }
    JsonObject root = new JsonObject();
    root.add("messages", list);
    return Json.pretty(root) + "\n";
  }

  private static ChatMessage message(JsonObject json) {
    List<ToolCall> calls = new ArrayList<>();
    for (JsonElement element : list(json, "tool_calls")) {
      JsonObject call = object(element, "a call");
      JsonObject function = object(call.get("function"), "a call's function");
      JsonElement arguments = function.get("arguments");
      String text = arguments instanceof JsonObject ? arguments.toString() : null;
      calls.add(
          new ToolCall(
              string(call, "id", ""),
              string(function, "name", null),
              text == null ? string(function, "arguments", "{}") : text));
    }
    boolean hasContent = json.has("content") && !json.get("content").isJsonNull();
    return new ChatMessage(
        string(json, "role", null),
        hasContent ? string(json, "content", null) : "",
        calls,
        json.has("tool_call_id") ? string(json, "tool_call_id", null) : null,
        json.has("name") ? string(json, "name", null) : null);
  }

  private static JsonObject object(@Nullable JsonElement element, String what) {
    if (element instanceof JsonObject object) {
      return object;
    }
    throw new IllegalArgumentException(what + " is no JSON object");
  }

  private static JsonArray list(JsonObject json, String key) {
    if (!json.has(key) || json.get(key).isJsonNull()) {
      return new JsonArray();
    }
    if (json.get(key) instanceof JsonArray list) {
      return list;
    }
    throw new IllegalArgumentException(key + " is no list");
  }

  private static String string(JsonObject json, String key, @Nullable String fallback) {
    if (json.get(key) instanceof JsonPrimitive value && value.isString()) {
      return value.getAsString();
    }
    if (!json.has(key) && fallback != null) {
      return fallback;
    }
    throw new IllegalArgumentException(key + " is missing, or no string");
  }
}
