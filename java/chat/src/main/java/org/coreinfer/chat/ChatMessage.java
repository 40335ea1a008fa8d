package org.coreinfer.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What someone said in a conversation.
 *
 * @param role who: {@code system}, {@code user}, {@code assistant}, {@code tool}, or what else the
 *     model's template knows
 * @param content empty where an answer consists of calls
 * @param toolCalls what an assistant wants to be called
 * @param toolCallId which call a tool's result answers
 * @param name of the tool or the person, where the template cares
 */
public record ChatMessage(
    String role,
    String content,
    List<ToolCall> toolCalls,
    @Nullable String toolCallId,
    @Nullable String name) {

  public ChatMessage {
    toolCalls = List.copyOf(toolCalls);
  }

  /** Instructions that hold for the whole conversation. */
  public static ChatMessage system(String content) {
    return new ChatMessage("system", content, List.of(), null, null);
  }

  public static ChatMessage user(String content) {
    return new ChatMessage("user", content, List.of(), null, null);
  }

  public static ChatMessage assistant(String content) {
    return new ChatMessage("assistant", content, List.of(), null, null);
  }

  /** An answer that calls tools, perhaps after some words. */
  public static ChatMessage assistant(String content, List<ToolCall> calls) {
    return new ChatMessage("assistant", content, calls, null, null);
  }

  /** What a tool gave. */
  public static ChatMessage tool(ToolCall call, String result) {
    return new ChatMessage("tool", result, List.of(), call.id(), call.name());
  }
}
