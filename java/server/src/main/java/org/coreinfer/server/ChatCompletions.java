package org.coreinfer.server;

import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatPrompt;
import org.coreinfer.chat.ChatTemplateException;
import org.coreinfer.chat.ToolCallParser;
import org.coreinfer.chat.ToolDefinition;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.serving.Scheduler;
import org.coreinfer.serving.ServingRequest;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@code POST /chat/completions}, and {@code /apply-template}, which shows what the model
 * would read. Thread-safe.
 */
final class ChatCompletions implements Endpoint {
  private static final int MOST_TOP = 20;

  private final ServedModel served;
  private final Scheduler scheduler;

  ChatCompletions(ServedModel served, Scheduler scheduler) {
    this.served = served;
    this.scheduler = scheduler;
  }

  @Override
  public void answer(Call call) {
    Fields fields = call.fields();
    Limits limits = call.limits();
    served.requireNamed(fields);
    Model model = served.model();
    ToolFields tools = ToolFields.read(fields, model.tokenizer());
    List<Integer> prompt = prompt(fields, tools.tools(), true).tokens(model.tokenizer());
    requireRoom(prompt);
    int choices = Choices.count(fields, 1, limits);
    int most = limits.mostTokens(model);
    int maxTokens =
        SamplingFields.maxTokens(fields, 1, most, most, "max_completion_tokens", "max_tokens");
    boolean withLogprobs = fields.bool("logprobs", false);
    int top = fields.integer("top_logprobs", 0, MOST_TOP, 0);
    if (top > 0 && !withLogprobs) {
      throw ApiException.invalid("top_logprobs", "top_logprobs: needs logprobs to be true");
    }
    SamplingOptions sampling = SamplingFields.read(fields, model.config());
    List<String> stops = SamplingFields.stops(fields);
    boolean ignoreEos = fields.bool("ignore_eos", false);
    CoreOptions core = CoreFields.read(fields, served.core(), served.calibration(), model.config());
    Supplier<TokenConstraint> constraint =
        GrammarField.read(fields, model.tokenizer(), tools.constraint());
    List<ServingRequest> requests = new ArrayList<>();
    for (int choice = 0; choice < choices; choice++) {
      GenerationRequest.Builder request =
          GenerationRequest.ofTokens(prompt)
              .maxTokens(maxTokens)
              .sampling(sampling.withSeed(sampling.seed() + choice))
              .ignoreEos(ignoreEos);
      stops.forEach(request::stop);
      served.requireTemplate().endTurn(request, model.tokenizer());
      if (constraint != null) {
        request.constraint(constraint);
      }
      requests.add(
          ServingRequest.of(request.build())
              .core(core)
              .topLogprobs(withLogprobs ? top : ServingRequest.NO_LOGPROBS)
              .neurons(CoreFields.tellsNeurons(fields))
              .timeout(limits.timeout())
              .build());
    }
    Supplier<@Nullable ToolCallParser> parsers =
        () ->
            tools.tools().isEmpty()
                ? null
                : ToolCallParser.of(served.requireTemplate(), tools.tools());
    Choices.answer(
        call,
        scheduler,
        requests,
        (isStream, withUsage) ->
            new ChatForm(
                served, new ChatForm.Wish(choices, withLogprobs, parsers), isStream, withUsage));
  }

  private void requireRoom(List<Integer> prompt) {
    int context = served.model().contextLength();
    if (prompt.size() > context) {
      throw ApiException.tooLong(
          "messages",
          "messages: have %d tokens, but the context has only %d: shorten them, or start the server with a larger --context"
              .formatted(prompt.size(), context));
    }
  }

  private ChatPrompt prompt(Fields fields, List<ToolDefinition> tools, boolean addsPrompt) {
    Map<String, Object> variables = ChatFields.templateVariables(fields);
    try {
      return served
          .requireTemplate()
          .prompt(ChatFields.messages(fields), tools, addsPrompt, variables);
    } catch (ChatTemplateException | IllegalArgumentException e) {
      throw ApiException.invalid("messages", String.valueOf(e.getMessage()));
    }
  }

  /** Shows a conversation as the model reads it. */
  void applyTemplate(Call call) {
    Fields fields = call.fields();
    served.requireNamed(fields);
    ToolFields tools = ToolFields.read(fields, served.model().tokenizer());
    boolean addsPrompt = fields.bool("add_generation_prompt", true);
    ChatPrompt prompt = prompt(fields, tools.tools(), addsPrompt);
    call.send(
        new JsonOut()
            .put("prompt", prompt.text())
            .putAll("tokens", prompt.tokens(served.model().tokenizer()), JsonPrimitive::new));
  }
}
