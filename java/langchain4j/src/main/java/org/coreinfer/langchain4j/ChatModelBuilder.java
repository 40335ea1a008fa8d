package org.coreinfer.langchain4j;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coreinfer.Model;
import org.coreinfer.chat.BuiltInTemplates;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreWish;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.serving.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Collects the settings of both models. All but {@link #model} have defaults. For one thread.
 *
 * @param <B> the builder itself
 */
public abstract class ChatModelBuilder<B extends ChatModelBuilder<B>> {
  private @Nullable Model model;
  private @Nullable Scheduler scheduler;
  private int slots = 4;
  private @Nullable String templateName;
  private @Nullable ChatTemplate template;
  private Map<String, Object> variables = Map.of();
  private @Nullable CoreOptions core;
  private CoreWish wish = CoreWish.NONE;
  private @Nullable Calibration calibration;
  private SamplingOptions sampling = SamplingOptions.GREEDY;
  private @Nullable Long seed;
  private @Nullable Duration timeout;
  private ChatRequestParameters parameters = DefaultChatRequestParameters.EMPTY;
  private final DefaultChatRequestParameters.Builder<?> single = ChatRequestParameters.builder();
  private final List<ChatModelListener> listeners = new ArrayList<>();

  ChatModelBuilder() {}

  @SuppressWarnings("unchecked") // by what B is
  private B self() {
    return (B) this;
  }

  /** What answers. It stays the caller's to close, after this. */
  public B model(Model value) {
    model = value;
    return self();
  }

  /** A scheduler of the same model to share with others; by default there is one of its own. */
  public B scheduler(Scheduler value) {
    scheduler = value;
    return self();
  }

  /** The most requests that are answered at once, without a given scheduler; 4 by default. */
  public B slots(int value) {
    slots = value;
    return self();
  }

  /**
   * How conversations are written, for models without a template of their own.
   *
   * @param name one of {@link BuiltInTemplates#names}, such as {@code chatml}
   */
  public B chatTemplate(String name) {
    templateName = name;
    return self();
  }

  /** How conversations are written, instead of by the model's own template. */
  public B chatTemplate(ChatTemplate value) {
    template = value;
    return self();
  }

  /** Further variables of the template, such as {@code enable_thinking}. */
  public B templateVariables(Map<String, Object> values) {
    variables = Map.copyOf(values);
    return self();
  }

  /** How neurons are chosen, as a whole; instead of {@link #keep} and the others. */
  public B coreOptions(CoreOptions value) {
    core = value;
    return self();
  }

  /** What is known of the model; without it every neuron is computed, unless {@link #keep} says. */
  public B calibration(Calibration value) {
    calibration = value;
    return self();
  }

  /** The fraction of neurons that each token computes, above 0, at most 1. */
  public B keep(double value) {
    wish = new CoreWish(null, null, null, value, null, null, null, null, null).over(wish);
    return self();
  }

  /** Where core neurons come from. */
  public B method(CoreOptions.Method value) {
    wish = new CoreWish(value, null, null, null, null, null, null, null, null).over(wish);
    return self();
  }

  /**
   * How neurons are ranked.
   *
   * @param name one of {@link org.coreinfer.core.Rules}
   */
  public B rule(String name) {
    wish = new CoreWish(null, name, null, null, null, null, null, null, null).over(wish);
    return self();
  }

  /** Whether core neurons only draft, so that the text is that of computing every neuron. */
  public B lossless(boolean value) {
    wish = new CoreWish(null, null, null, null, null, null, null, null, value).over(wish);
    return self();
  }

  /** What holds where requests say nothing; what the methods below say is stronger. */
  public B defaultRequestParameters(ChatRequestParameters value) {
    parameters = value;
    return self();
  }

  /** 0, the default, takes the most likely token. */
  public B temperature(double value) {
    single.temperature(value);
    return self();
  }

  /** Only the most likely tokens that together have this probability. */
  public B topP(double value) {
    single.topP(value);
    return self();
  }

  /** Only so many of the most likely tokens. */
  public B topK(int value) {
    single.topK(value);
    return self();
  }

  /** The most tokens of an answer; by default as many as the context has room for. */
  public B maxOutputTokens(int value) {
    single.maxOutputTokens(value);
    return self();
  }

  /** Strings before which an answer ends. */
  public B stopSequences(List<String> values) {
    single.stopSequences(values);
    return self();
  }

  /** Only tokens at least this likely, relative to the most likely one. */
  public B minP(double value) {
    sampling = sampling.withMinP(value);
    return self();
  }

  /** Above 1 makes tokens that already occurred less likely. */
  public B repeatPenalty(double value) {
    sampling = sampling.withRepeatPenalty(value);
    return self();
  }

  /** Of the random numbers: the same for every answer; by default always another. */
  public B seed(long value) {
    seed = value;
    return self();
  }

  /** How long an answer may take, waiting included; by default there is no limit. */
  public B timeout(Duration value) {
    timeout = value;
    return self();
  }

  /** Who hears of requests, responses and errors. */
  public B listeners(List<ChatModelListener> values) {
    listeners.addAll(values);
    return self();
  }

  ChatEngine engine() {
    Model asked = model;
    if (asked == null) {
      throw new IllegalArgumentException("the builder needs a model");
    }
    ChatRequestParameters named = ChatRequestParameters.builder().modelName(asked.name()).build();
    return new ChatEngine(
        new ChatEngine.Settings(
            asked,
            scheduler,
            slots,
            templateOf(asked),
            coreOf(),
            sampling,
            seed,
            timeout,
            variables,
            named.overrideWith(parameters).overrideWith(single.build()),
            List.copyOf(listeners)));
  }

  private ChatTemplate templateOf(Model asked) {
    if (template != null && templateName != null) {
      throw new IllegalArgumentException("give a chat template or the name of one, not both");
    }
    if (template != null) {
      return template;
    }
    return templateName == null
        ? ChatTemplate.of(asked)
        : BuiltInTemplates.get(templateName, asked.chatTemplateTexts().specialTokens());
  }

  private CoreOptions coreOf() {
    if (core == null) {
      return wish.resolve(calibration, part -> part);
    }
    if (!wish.equals(CoreWish.NONE) || calibration != null) {
      throw new IllegalArgumentException(
          "give core options, or keep, method, rule, lossless and a calibration, not both");
    }
    return core;
  }
}
