package org.coreinfer.server;

import com.google.gson.JsonNull;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.TokenLogprob;
import org.jspecify.annotations.Nullable;

/** Completions as OpenAI's older API writes them. */
final class CompletionForm implements AnswerForm {
  private final ServedModel served;
  private final Wish wish;
  private final boolean isStream;
  private final boolean withUsage;
  private final String id = "cmpl-" + UUID.randomUUID();
  private final long created = System.currentTimeMillis() / 1000;
  private final Usage usage;
  private final List<Choice> choices;

  /**
   * What was asked for.
   *
   * @param choices answers to each prompt
   * @param maxTokens 0 for none but the prompt's
   * @param echo whether an answer begins with its prompt
   */
  record Wish(
      List<Prompts.Prompt> prompts,
      int choices,
      int maxTokens,
      boolean echo,
      boolean withLogprobs) {}

  CompletionForm(ServedModel served, Wish wish, boolean isStream, boolean withUsage) {
    this.served = served;
    this.wish = wish;
    this.isStream = isStream;
    this.withUsage = withUsage;
    this.usage = new Usage(served.model());
    this.choices =
        IntStream.range(0, wish.prompts().size() * wish.choices())
            .mapToObj(index -> new Choice(index, prompt(index)))
            .toList();
  }

  private Prompts.Prompt prompt(int index) {
    return wish.prompts().get(index / wish.choices());
  }

  /** One answer so far: when streamed, what was not sent yet. */
  private final class Choice {
    private final int index;
    private final StringBuilder text = new StringBuilder();
    private final Prompts.Prompt prompt;
    private LegacyLogprobs logprobs;
    private @Nullable String finish;

    Choice(int index, Prompts.Prompt prompt) {
      this.index = index;
      this.prompt = prompt;
      int length = prompt.text().codePointCount(0, prompt.text().length());
      this.logprobs = new LegacyLogprobs(wish.echo() ? 0 : length);
      if (wish.echo()) {
        text.append(prompt.text());
      }
    }

    void readPrompt(List<TokenLogprob> tokens) {
      logprobs.addAll(tokens, prompt.text().codePointCount(0, prompt.text().length()));
    }

    void add(ServedToken token) {
      if (wish.maxTokens() > 0) {
        text.append(token.text());
        TokenLogprob logprob = token.logprob();
        if (wish.withLogprobs() && logprob != null && token.id() >= 0) {
          logprobs.add(logprob);
        }
      }
    }

    boolean hasNews() {
      return !text.isEmpty() || !logprobs.isEmpty() || finish != null;
    }

    JsonOut out() {
      JsonOut out = new JsonOut().put("index", index).put("text", text.toString());
      if (wish.withLogprobs()) {
        out.put("logprobs", logprobs.out());
      } else {
        out.put("logprobs", JsonNull.INSTANCE);
      }
      return out.put("finish_reason", finish);
    }

    JsonOut news() {
      JsonOut out = out();
      text.setLength(0);
      logprobs = new LegacyLogprobs(logprobs.offset());
      return out;
    }
  }

  @Override
  public List<JsonOut> first() {
    return List.of();
  }

  @Override
  public List<JsonOut> take(AnswerEvent event) {
    Choice choice = choices.get(event.answer());
    if (event instanceof AnswerEvent.Prompt read) {
      choice.readPrompt(read.logprobs());
      return List.of();
    }
    if (event instanceof AnswerEvent.Core core) {
      return told(core);
    }
    if (event instanceof AnswerEvent.Token step) {
      choice.add(step.token());
    } else if (event instanceof AnswerEvent.End end) {
      finish(choice, end);
    }
    return isStream && choice.hasNews() ? List.of(chunk(List.of(choice.news()))) : List.of();
  }

  private List<JsonOut> told(AnswerEvent.Core core) {
    if (!isStream) {
      usage.note(core);
      return List.of();
    }
    JsonOut neurons = CoreNeurons.of(served.model(), core.neurons());
    return List.of(chunk(List.of()).put("coreinfer", neurons.put("answer", core.answer())));
  }

  private void finish(Choice choice, AnswerEvent.End end) {
    GenerationResult result = end.result();
    choice.finish = wish.maxTokens() == 0 ? "length" : FinishText.of(result.finishReason());
    int tokens = Math.min(result.tokens().size(), wish.maxTokens());
    usage.add(end, choice.index % wish.choices() == 0, tokens);
  }

  private JsonOut chunk(List<JsonOut> news) {
    JsonOut chunk = head().putObjects("choices", news);
    return withUsage ? chunk.put("usage", JsonNull.INSTANCE) : chunk;
  }

  @Override
  public List<JsonOut> last() {
    return withUsage
        ? List.of(head().putObjects("choices", List.of()).put("usage", usage.out()))
        : List.of();
  }

  @Override
  public JsonOut whole() {
    List<JsonOut> all = choices.stream().map(Choice::out).toList();
    return head().putObjects("choices", all).put("usage", usage.out());
  }

  private JsonOut head() {
    return new JsonOut()
        .put("id", id)
        .put("object", "text_completion")
        .put("created", created)
        .put("model", served.id());
  }
}
