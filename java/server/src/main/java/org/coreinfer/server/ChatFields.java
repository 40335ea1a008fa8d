package org.coreinfer.server;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ToolCall;

/** The messages of a chat request. */
final class ChatFields {
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  private ChatFields() {}

  /**
   * The conversation, from the first message on; developers' messages are the system's.
   *
   * @throws ApiException if it is empty, or a message is not in OpenAI's form
   */
  static List<ChatMessage> messages(Fields fields) {
    List<Fields> items = fields.objects("messages");
    if (items.isEmpty()) {
      throw fields.missing("messages", "a list of messages, each with a role and a content");
    }
    return items.stream().map(ChatFields::message).toList();
  }

  private static ChatMessage message(Fields message) {
    String role = message.requiredString("role");
    if (!ROLES.contains(role)) {
      throw ApiException.invalid(
          message.nameOf("role"),
          "%s: expected system, developer, user, assistant or tool, found %s"
              .formatted(message.nameOf("role"), PlainText.of(role)));
    }
    List<ToolCall> calls = message.objects("tool_calls").stream().map(ChatFields::call).toList();
    if (!calls.isEmpty() && !role.equals("assistant")) {
      throw ApiException.invalid(
          message.nameOf("tool_calls"),
          message.nameOf("tool_calls") + ": only an assistant calls tools");
    }
    String content = content(message, !calls.isEmpty());
    return new ChatMessage(
        role.equals("developer") ? "system" : role,
        content,
        calls,
        message.string("tool_call_id"),
        message.string("name"));
  }

  private static String content(Fields message, boolean mayLack) {
    JsonElement content = message.element("content");
    if (content instanceof JsonPrimitive) {
      return Fields.stringOf(content, message.nameOf("content"));
    }
    if (content == null) {
      if (mayLack) {
        return "";
      }
      throw message.missing("content", "a text, or a list of text parts");
    }
    StringBuilder text = new StringBuilder();
    for (Fields part : message.objects("content")) {
      String type = part.requiredString("type");
      if (!type.equals("text")) {
        throw ApiException.unsupported(
            part.nameOf("type"),
            "%s: this model reads text, not %s".formatted(part.nameOf("type"), PlainText.of(type)));
      }
      text.append(text.isEmpty() ? "" : "\n").append(part.requiredString("text"));
    }
    return text.toString();
  }

  private static ToolCall call(Fields call) {
    requireFunction(call);
    Fields function = call.object("function");
    return new ToolCall(
        call.string("id", ""), function.requiredString("name"), function.string("arguments", "{}"));
  }

  /** Functions are the only kind of tools. */
  static void requireFunction(Fields tool) {
    String type = tool.string("type", "function");
    if (!type.equals("function")) {
      throw ApiException.unsupported(
          tool.nameOf("type"),
          "%s: only functions can be called, not %s"
              .formatted(tool.nameOf("type"), PlainText.of(type)));
    }
  }

  /** Further variables of the chat template. */
  static Map<String, Object> templateVariables(Fields fields) {
    Map<String, Object> variables = new LinkedHashMap<>();
    JsonElement given = fields.element("chat_template_kwargs");
    if (given != null) {
      JsonObject object = Fields.objectOf(given, fields.nameOf("chat_template_kwargs"));
      object.entrySet().forEach(entry -> variables.put(entry.getKey(), entry.getValue()));
    }
    return variables;
  }
}
