package org.coreinfer.server;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.serving.Scheduler;
import org.coreinfer.serving.ServingRequest;

/** Answers {@code POST /completions}: continues texts. Thread-safe. */
final class Completions implements Endpoint {
  private static final int DEFAULT_TOKENS = 16;

  private final ServedModel served;
  private final Scheduler scheduler;

  Completions(ServedModel served, Scheduler scheduler) {
    this.served = served;
    this.scheduler = scheduler;
  }

  @Override
  public void answer(Call call) {
    Fields fields = call.fields();
    Limits limits = call.limits();
    served.requireNamed(fields);
    List<Prompts.Prompt> prompts = Prompts.read(fields, "prompt", served.model(), limits.prompts());
    int choices = Choices.count(fields, prompts.size(), limits);
    refuseRest(fields, choices);
    int most = limits.mostTokens(served.model());
    int maxTokens = SamplingFields.maxTokens(fields, 0, DEFAULT_TOKENS, most, "max_tokens");
    int top = fields.integer("logprobs", 0, ServingRequest.MOST_LOGPROBS, -1);
    boolean echo = fields.bool("echo", false);
    CompletionForm.Wish wish = new CompletionForm.Wish(prompts, choices, maxTokens, echo, top >= 0);
    SamplingOptions sampling = SamplingFields.read(fields, served.model().config());
    Supplier<TokenConstraint> constraint =
        GrammarField.read(fields, served.model().tokenizer(), null);
    List<String> stops = SamplingFields.stops(fields);
    boolean ignoreEos = fields.bool("ignore_eos", false);
    CoreOptions core =
        CoreFields.read(fields, served.core(), served.calibration(), served.model().config());
    List<ServingRequest> requests = new ArrayList<>();
    for (Prompts.Prompt prompt : prompts) {
      for (int choice = 0; choice < choices; choice++) {
        GenerationRequest.Builder request =
            GenerationRequest.ofTokens(prompt.tokens())
                .maxTokens(Math.max(maxTokens, 1))
                .sampling(sampling.withSeed(sampling.seed() + choice))
                .ignoreEos(ignoreEos);
        stops.forEach(request::stop);
        if (constraint != null) {
          request.constraint(constraint);
        }
        requests.add(
            ServingRequest.of(request.build())
                .core(core)
                .topLogprobs(top)
                .promptLogprobs(echo && top >= 0)
                .neurons(CoreFields.tellsNeurons(fields))
                .timeout(limits.timeout())
                .build());
      }
    }
    Choices.answer(
        call,
        scheduler,
        requests,
        (isStream, withUsage) -> new CompletionForm(served, wish, isStream, withUsage));
  }

  /** What older clients send out of habit is fine; what would change the text is not. */
  private static void refuseRest(Fields fields, int choices) {
    String suffix = fields.string("suffix", "");
    if (!suffix.isEmpty()) {
      throw ApiException.unsupported("suffix", "suffix: is not done here; leave it out");
    }
    int best = fields.integer("best_of", 1, Integer.MAX_VALUE, choices);
    if (best != choices) {
      throw ApiException.unsupported(
          "best_of", "best_of=%d: is not done here; leave it out, or give n".formatted(best));
    }
  }
}
