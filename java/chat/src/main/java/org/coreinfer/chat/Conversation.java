package org.coreinfer.chat;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.coreinfer.chat.jinja.JinjaValues;
import org.coreinfer.chat.jinja.Text;

/**
 * Makes messages what templates expect of them: mappings as Transformers passes them on.
 *
 * @param emptyIsNone whether an answer that is nothing but calls has no content, instead of an
 *     empty one: templates that tell calls by that ask for it
 * @param argumentsAreText whether the arguments of calls are JSON text instead of values
 */
record Conversation(boolean emptyIsNone, boolean argumentsAreText) {
  /** Templates make special tokens of roles, so only these count as trusted. */
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool", "function", "ipython", "model");

  private static final Pattern CONTENT_IS_NONE =
      Pattern.compile("content['\"]?\\s*\\]?\\s+is\\s+(not\\s+)?none");

  static Conversation suiting(String template) {
    return new Conversation(CONTENT_IS_NONE.matcher(template).find(), false);
  }

  Conversation withArgumentsAsText() {
    return new Conversation(emptyIsNone, true);
  }

  List<Object> messages(List<ChatMessage> messages) {
    List<Object> values = new ArrayList<>(messages.size());
    messages.forEach(message -> values.add(message(message)));
    return values;
  }

  private Object message(ChatMessage message) {
    Map<String, Object> value = new LinkedHashMap<>();
    String role = message.role();
    value.put("role", ROLES.contains(role) ? Text.trusted(role) : Text.foreign(role));
    boolean isNone = emptyIsNone && message.content().isEmpty() && !message.toolCalls().isEmpty();
    value.put("content", isNone ? JinjaValues.none() : message.content());
    if (!message.toolCalls().isEmpty()) {
      value.put("tool_calls", message.toolCalls().stream().map(this::call).toList());
    }
    if (message.toolCallId() != null) {
      value.put("tool_call_id", message.toolCallId());
    }
    if (message.name() != null) {
      value.put("name", message.name());
    }
    return JinjaValues.of(value);
  }

  private Object call(ToolCall call) {
    Map<String, Object> function = new LinkedHashMap<>();
    function.put("name", call.name());
    function.put("arguments", arguments(call));
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("id", call.id());
    value.put("type", "function");
    value.put("function", function);
    return value;
  }

  private Object arguments(ToolCall call) {
    return argumentsAreText
        ? call.arguments()
        : ChatJson.value("the arguments of the call of " + call.name(), call.arguments());
  }

  /** The definitions; None where there are none. */
  static Object tools(List<ToolDefinition> tools) {
    if (tools.isEmpty()) {
      return JinjaValues.none();
    }
    List<JsonElement> definitions = new ArrayList<>();
    for (ToolDefinition tool : tools) {
      definitions.add(ChatJson.object("the tool " + tool.name(), tool.json()));
    }
    return JinjaValues.of(definitions);
  }
}
