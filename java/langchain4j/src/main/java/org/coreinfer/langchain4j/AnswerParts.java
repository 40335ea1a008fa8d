package org.coreinfer.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.chat.ToolCall;
import org.coreinfer.chat.ToolCallParser;
import org.coreinfer.chat.ToolDefinition;
import org.coreinfer.generation.GenerationResult;
import org.jspecify.annotations.Nullable;

/** One answer while it grows, as LangChain4j sees it. For one thread at a time. */
final class AnswerParts {
  private final String model;
  private final @Nullable ToolCallParser parser;
  private final StringBuilder text = new StringBuilder();
  private final List<ToolExecutionRequest> calls = new ArrayList<>();
  private final String id = "chatcmpl-" + UUID.randomUUID();

  AnswerParts(String model, ChatTemplate template, List<ToolDefinition> tools) {
    this.model = model;
    this.parser = tools.isEmpty() ? null : ToolCallParser.of(template, tools);
  }

  /** Takes more of the answer, and gives what of it is text to show: perhaps nothing. */
  String accept(String piece) {
    return shown(parser == null ? piece : parser.accept(piece));
  }

  /** Takes the end of the answer, and gives what is still to be shown. */
  String finish() {
    return shown(parser == null ? "" : parser.finish());
  }

  private String shown(String piece) {
    text.append(piece);
    return piece;
  }

  /** The calls that are complete and were not given yet. */
  List<ToolExecutionRequest> newCalls() {
    if (parser == null) {
      return List.of();
    }
    List<ToolCall> all = parser.calls();
    List<ToolExecutionRequest> fresh =
        all.subList(calls.size(), all.size()).stream().map(AnswerParts::request).toList();
    calls.addAll(fresh);
    return fresh;
  }

  private static ToolExecutionRequest request(ToolCall call) {
    return ToolExecutionRequest.builder()
        .id(call.id())
        .name(call.name())
        .arguments(call.arguments())
        .build();
  }

  /** The whole, after {@link #finish} and {@link #newCalls}. */
  ChatResponse response(GenerationResult result) {
    boolean isSilent = text.isEmpty() && !calls.isEmpty();
    AiMessage.Builder message = AiMessage.builder().toolExecutionRequests(calls);
    if (!isSilent) {
      message.text(text.toString());
    }
    return ChatResponse.builder()
        .aiMessage(message.build())
        .metadata(
            new CoreInferChatResponseMetadata.Builder()
                .id(id)
                .modelName(model)
                .tokenUsage(new TokenUsage(result.promptTokens().size(), result.tokens().size()))
                .finishReason(finishReason(result))
                .generation(result)
                .build())
        .build();
  }

  private FinishReason finishReason(GenerationResult result) {
    if (!calls.isEmpty()) {
      return FinishReason.TOOL_EXECUTION;
    }
    return switch (result.finishReason()) {
      case EOS, STOP -> FinishReason.STOP;
      case LENGTH -> FinishReason.LENGTH;
      case CANCELLED, TIMED_OUT -> FinishReason.OTHER;
    };
  }
}
