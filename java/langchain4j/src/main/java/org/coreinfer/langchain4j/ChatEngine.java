package org.coreinfer.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatPrompt;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.grammar.JsonGrammars;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.serving.AnswerListener;
import org.coreinfer.serving.Scheduler;
import org.coreinfer.serving.ServingRequest;
import org.coreinfer.serving.Ticket;
import org.jspecify.annotations.Nullable;

/** What both models are made of: it turns requests into prompts, and has them answered. Thread-safe. */
final class ChatEngine implements AutoCloseable {
  private final Settings settings;
  private final Scheduler scheduler;
  private @Nullable JsonGrammars grammars;

  /**
   * What a builder collected.
   *
   * @param scheduler null for one of its own
   * @param slots of its own scheduler
   * @param sampling where requests say nothing
   * @param seed of every answer; null for another one each time
   * @param timeout of an answer, waiting included; null for none
   * @param variables of the template
   * @param defaults of requests, the model's name among them
   */
  record Settings(
      Model model,
      @Nullable Scheduler scheduler,
      int slots,
      ChatTemplate template,
      CoreOptions core,
      SamplingOptions sampling,
      @Nullable Long seed,
      @Nullable Duration timeout,
      Map<String, Object> variables,
      ChatRequestParameters defaults,
      List<ChatModelListener> listeners) {}

  /** A request that can be submitted, and what takes its answer. */
  record Question(ServingRequest request, AnswerParts answer) {}

  /**
   * @throws UnsupportedFeatureException if the defaults ask for what the model doesn't do
   * @throws IllegalArgumentException if they are out of range, or neurons can't be chosen so
   */
  ChatEngine(Settings settings) {
    this.settings = settings;
    settings.core().requireSuits(settings.model().config());
    requireKnown(settings.defaults());
    Sampling.of(settings.defaults(), settings.sampling());
    Scheduler given = settings.scheduler();
    this.scheduler =
        given != null ? given : Scheduler.builder(settings.model()).slots(settings.slots()).build();
  }

  ChatRequestParameters defaults() {
    return settings.defaults();
  }

  List<ChatModelListener> listeners() {
    return settings.listeners();
  }

  private void requireKnown(ChatRequestParameters parameters) {
    String name = parameters.modelName();
    if (name != null && !name.equals(settings.model().name())) {
      throw new UnsupportedFeatureException(
          "'modelName' parameter: other models than %s are not supported; build another one"
              .formatted(settings.model().name()));
    }
    if (!parameters.toolSpecifications().isEmpty() && !settings.template().supportsTools()) {
      throw new UnsupportedFeatureException(
          "tools are not supported by this model's chat template, which doesn't show them");
    }
  }

  /**
   * Reads a request.
   *
   * @throws dev.langchain4j.exception.LangChain4jException if it can't be answered
   */
  Question question(ChatRequest request) {
    try {
      return read(request);
    } catch (RuntimeException e) {
      throw Problems.of(e);
    }
  }

  private Question read(ChatRequest request) {
    ChatRequestParameters parameters = request.parameters();
    requireKnown(parameters);
    Tools tools = Tools.of(parameters, this::grammars);
    ChatPrompt prompt =
        settings
            .template()
            .prompt(
                Messages.of(request.messages()), tools.definitions(), true, settings.variables());
    Integer most = parameters.maxOutputTokens();
    Long seed = settings.seed();
    GenerationRequest.Builder generation =
        GenerationRequest.ofTokens(prompt.tokens(settings.model().tokenizer()))
            .maxTokens(most == null ? settings.model().contextLength() : most)
            .sampling(
                Sampling.of(parameters, settings.sampling())
                    .withSeed(seed == null ? ThreadLocalRandom.current().nextLong() : seed));
    parameters.stopSequences().forEach(generation::stop);
    if (tools.constraint() != null) {
      generation.constraint(tools.constraint());
    }
    ServingRequest serving =
        ServingRequest.of(generation.build())
            .core(settings.core())
            .timeout(settings.timeout())
            .build();
    return new Question(
        serving,
        new AnswerParts(settings.model().name(), settings.template(), tools.definitions()));
  }

  private synchronized JsonGrammars grammars() {
    JsonGrammars known = grammars;
    if (known == null) {
      known = new JsonGrammars(settings.model().tokenizer());
      grammars = known;
    }
    return known;
  }

  /**
   * Has a question answered.
   *
   * @throws dev.langchain4j.exception.LangChain4jException if it was not taken
   */
  Ticket submit(Question question, AnswerListener listener) {
    try {
      return scheduler.submit(question.request(), listener);
    } catch (RuntimeException e) {
      throw Problems.of(e);
    }
  }

  /** Ends all answers, unless the scheduler was given. */
  @Override
  public void close() {
    if (settings.scheduler() == null) {
      scheduler.close();
    }
  }
}
