package org.coreinfer.chat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The conversations of test-data/chat, which Python's jinja2 rendered, too. */
record Conversations(Map<String, String> specialTokens, List<Example> examples) {
  /** When the goldens were rendered, as templates were told. */
  static final Clock CLOCK = Clock.fixed(Instant.parse("2026-07-06T09:05:03Z"), ZoneOffset.UTC);

  /** One conversation, and what is asked of a template. */
  record Example(
      String name,
      List<ChatMessage> messages,
      List<ToolDefinition> tools,
      boolean addGenerationPrompt,
      Map<String, Object> extra) {

    ChatPrompt prompt(ChatTemplate template) {
      return template.prompt(messages, tools, addGenerationPrompt, extra, CLOCK);
    }
  }

  static Path folder() {
    return Path.of(System.getProperty("coreinfer.testData", "../../test-data"), "chat");
  }

  static Conversations read() {
    JsonObject root = json(folder().resolve("conversations.json"));
    Map<String, String> specialTokens = new LinkedHashMap<>();
    root.getAsJsonObject("special_tokens")
        .asMap()
        .forEach((name, text) -> specialTokens.put(name, text.getAsString()));
    List<Example> examples = new ArrayList<>();
    for (JsonElement element : root.getAsJsonArray("conversations")) {
      examples.add(example(element.getAsJsonObject()));
    }
    return new Conversations(specialTokens, examples);
  }

  Example example(String name) {
    return examples.stream().filter(e -> e.name().equals(name)).findFirst().orElseThrow();
  }

  static JsonObject json(Path file) {
    return JsonParser.parseString(text(file)).getAsJsonObject();
  }

  static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Example example(JsonObject json) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonElement message : json.getAsJsonArray("messages")) {
      messages.add(message(message.getAsJsonObject()));
    }
    List<ToolDefinition> tools = new ArrayList<>();
    for (JsonElement tool : list(json, "tools")) {
      tools.add(ToolDefinition.parse(tool.toString()));
    }
    Map<String, Object> extra = new LinkedHashMap<>();
    if (json.has("extra")) {
      extra.putAll(json.getAsJsonObject("extra").asMap());
    }
    boolean addGenerationPrompt =
        !json.has("add_generation_prompt") || json.get("add_generation_prompt").getAsBoolean();
    return new Example(json.get("name").getAsString(), messages, tools, addGenerationPrompt, extra);
  }

  private static ChatMessage message(JsonObject json) {
    List<ToolCall> calls = new ArrayList<>();
    for (JsonElement element : list(json, "tool_calls")) {
      JsonObject call = element.getAsJsonObject();
      JsonObject function = call.getAsJsonObject("function");
      calls.add(
          new ToolCall(
              call.get("id").getAsString(),
              function.get("name").getAsString(),
              function.get("arguments").getAsString()));
    }
    return new ChatMessage(
        json.get("role").getAsString(),
        json.get("content").getAsString(),
        calls,
        string(json, "tool_call_id"),
        string(json, "name"));
  }

  private static JsonArray list(JsonObject json, String key) {
    return json.has(key) ? json.getAsJsonArray(key) : new JsonArray();
  }

  private static @Nullable String string(JsonObject json, String key) {
    return json.has(key) ? json.get(key).getAsString() : null;
  }
}
