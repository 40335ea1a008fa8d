package org.coreinfer.server;

import com.google.gson.JsonNull;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.coreinfer.chat.ToolCall;
import org.coreinfer.chat.ToolCallParser;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.TokenLogprob;
import org.jspecify.annotations.Nullable;

/** Chat completions as OpenAI's API writes them. */
final class ChatForm implements AnswerForm {
  private final ServedModel served;
  private final Wish wish;
  private final boolean isStream;
  private final boolean withUsage;
  private final String id = "chatcmpl-" + UUID.randomUUID();
  private final long created = System.currentTimeMillis() / 1000;
  private final Usage usage;
  private final List<Choice> choices;

  /**
   * What was asked for.
   *
   * @param parsers each finds the tool calls of one answer; null where there can be none
   */
  record Wish(int choices, boolean withLogprobs, Supplier<@Nullable ToolCallParser> parsers) {}

  ChatForm(ServedModel served, Wish wish, boolean isStream, boolean withUsage) {
    this.served = served;
    this.wish = wish;
    this.isStream = isStream;
    this.withUsage = withUsage;
    this.usage = new Usage(served.model());
    this.choices = IntStream.range(0, wish.choices()).mapToObj(Choice::new).toList();
  }

  /** One answer so far: when streamed, what was not sent yet. */
  private final class Choice {
    private final int index;
    private final @Nullable ToolCallParser parser = wish.parsers().get();
    private final StringBuilder text = new StringBuilder();
    private final List<JsonOut> logprobs = new ArrayList<>();
    private int toldCalls;
    private @Nullable String finish;

    Choice(int index) {
      this.index = index;
    }

    void add(ServedToken token) {
      text.append(parser == null ? token.text() : parser.accept(token.text()));
      TokenLogprob logprob = token.logprob();
      if (wish.withLogprobs() && logprob != null && !logprob.utf8().isEmpty()) {
        logprobs.add(TokenText.chatItem(logprob));
      }
    }

    void end(GenerationResult result) {
      if (parser != null) {
        text.append(parser.finish());
      }
      finish = calls().isEmpty() ? FinishText.of(result.finishReason()) : "tool_calls";
    }

    private List<ToolCall> calls() {
      return parser == null ? List.of() : parser.calls();
    }

    /** The whole answer. */
    JsonOut message() {
      List<JsonOut> calls = calls().stream().map(Choice::out).toList();
      boolean isSilent = text.isEmpty() && !calls.isEmpty();
      JsonOut message =
          new JsonOut().put("role", "assistant").put("content", isSilent ? null : text.toString());
      if (!calls.isEmpty()) {
        message.putObjects("tool_calls", calls);
      }
      return with(new JsonOut().put("index", index).put("message", message));
    }

    /** What was not sent yet. */
    List<JsonOut> news() {
      List<JsonOut> news = new ArrayList<>();
      List<ToolCall> calls = calls();
      if (!text.isEmpty() || !logprobs.isEmpty()) {
        news.add(delta(new JsonOut().put("content", text.toString()), false));
      }
      for (; toldCalls < calls.size(); toldCalls++) {
        JsonOut call = out(calls.get(toldCalls)).put("index", toldCalls);
        news.add(delta(new JsonOut().putObjects("tool_calls", List.of(call)), false));
      }
      if (finish != null) {
        news.add(delta(new JsonOut(), true));
      }
      return news;
    }

    private JsonOut delta(JsonOut delta, boolean isEnd) {
      JsonOut out = new JsonOut().put("index", index).put("delta", delta);
      JsonOut choice = isEnd ? with(out) : logprobs(out).put("finish_reason", JsonNull.INSTANCE);
      text.setLength(0);
      logprobs.clear();
      return choice;
    }

    private JsonOut with(JsonOut choice) {
      return logprobs(choice).put("finish_reason", finish);
    }

    private JsonOut logprobs(JsonOut choice) {
      return wish.withLogprobs()
          ? choice.put("logprobs", new JsonOut().putObjects("content", logprobs))
          : choice.put("logprobs", JsonNull.INSTANCE);
    }

    private static JsonOut out(ToolCall call) {
      return new JsonOut()
          .put("id", call.id())
          .put("type", "function")
          .put(
              "function",
              new JsonOut().put("name", call.name()).put("arguments", call.arguments()));
    }
  }

  @Override
  public List<JsonOut> first() {
    return choices.stream()
        .map(
            choice ->
                chunk(
                    choice.delta(new JsonOut().put("role", "assistant").put("content", ""), false)))
        .toList();
  }

  @Override
  public List<JsonOut> take(AnswerEvent event) {
    if (event instanceof AnswerEvent.Core core) {
      return told(core);
    }
    Choice choice = choices.get(event.answer());
    if (event instanceof AnswerEvent.Token step) {
      choice.add(step.token());
    } else if (event instanceof AnswerEvent.End end) {
      choice.end(end.result());
      usage.add(end, choice.index == 0, end.result().tokens().size());
    }
    return isStream ? choice.news().stream().map(this::chunk).toList() : List.of();
  }

  private List<JsonOut> told(AnswerEvent.Core core) {
    if (!isStream) {
      usage.note(core);
      return List.of();
    }
    JsonOut neurons = CoreNeurons.of(served.model(), core.neurons());
    return List.of(chunk(List.of()).put("coreinfer", neurons.put("answer", core.answer())));
  }

  private JsonOut chunk(JsonOut choice) {
    return chunk(List.of(choice));
  }

  private JsonOut chunk(List<JsonOut> news) {
    JsonOut chunk = head("chat.completion.chunk").putObjects("choices", news);
    return withUsage ? chunk.put("usage", JsonNull.INSTANCE) : chunk;
  }

  @Override
  public List<JsonOut> last() {
    return withUsage
        ? List.of(
            head("chat.completion.chunk")
                .putObjects("choices", List.of())
                .put("usage", usage.out()))
        : List.of();
  }

  @Override
  public JsonOut whole() {
    return head("chat.completion")
        .putObjects("choices", choices.stream().map(Choice::message).toList())
        .put("usage", usage.out());
  }

  private JsonOut head(String kind) {
    return new JsonOut()
        .put("id", id)
        .put("object", kind)
        .put("created", created)
        .put("model", served.id());
  }
}
