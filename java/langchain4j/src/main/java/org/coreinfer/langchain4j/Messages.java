package org.coreinfer.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ToolCall;

/** LangChain4j's messages as this engine's. */
final class Messages {
  private Messages() {}

  /**
   * The conversation.
   *
   * @throws UnsupportedFeatureException if it holds more than text and calls
   */
  static List<ChatMessage> of(List<dev.langchain4j.data.message.ChatMessage> messages) {
    return messages.stream().map(Messages::of).toList();
  }

  private static ChatMessage of(dev.langchain4j.data.message.ChatMessage message) {
    if (message instanceof SystemMessage system) {
      return ChatMessage.system(system.text());
    }
    if (message instanceof UserMessage user) {
      return new ChatMessage("user", text(user.contents()), List.of(), null, user.name());
    }
    if (message instanceof AiMessage answer) {
      List<ToolCall> calls = answer.toolExecutionRequests().stream().map(Messages::call).toList();
      return ChatMessage.assistant(Optional.ofNullable(answer.text()).orElse(""), calls);
    }
    if (message instanceof ToolExecutionResultMessage result) {
      return new ChatMessage(
          "tool", text(result.contents()), List.of(), result.id(), result.toolName());
    }
    throw new UnsupportedFeatureException(
        "Messages of type %s are not supported by this model".formatted(message.type()));
  }

  private static ToolCall call(ToolExecutionRequest request) {
    return new ToolCall(
        Optional.ofNullable(request.id()).orElse(""),
        request.name(),
        Optional.ofNullable(request.arguments()).filter(text -> !text.isBlank()).orElse("{}"));
  }

  private static String text(List<Content> contents) {
    StringBuilder text = new StringBuilder();
    for (Content content : contents) {
      if (!(content instanceof TextContent part)) {
        throw new UnsupportedFeatureException(
            "Content of type %s is not supported by this model, which reads text"
                .formatted(content.type().toString().toLowerCase(Locale.ROOT)));
      }
      text.append(text.isEmpty() ? "" : "\n").append(part.text());
    }
    return text.toString();
  }
}
