package org.coreinfer.langchain4j;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.coreinfer.serving.Ticket;

/**
 * A model of this process for LangChain4j, whose answers come as a whole:
 *
 * <pre>{@code
 * ChatModel chat = CoreInferChatModel.builder().model(model).keep(0.4).build();
 * System.out.println(chat.chat("Why is the sky blue?"));
 * }</pre>
 *
 * <p>Many threads may ask at once; they share the scheduler's slots. Answers carry {@link
 * CoreInferChatResponseMetadata}. A request for what this engine doesn't do ends with {@link
 * dev.langchain4j.exception.UnsupportedFeatureException}: images, JSON together with tools. An
 * interrupted call ends its answer, as does cancelling the future of {@code chatAsync}.
 */
public final class CoreInferChatModel implements ChatModel, AutoCloseable {
  private static final Set<Capability> CAPABILITIES =
      Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);

  private final ChatEngine engine;

  private CoreInferChatModel(ChatEngine engine) {
    this.engine = engine;
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Collects a model's settings. */
  public static final class Builder extends ChatModelBuilder<Builder> {
    private Builder() {}

    /**
     * Starts it.
     *
     * @throws dev.langchain4j.exception.UnsupportedFeatureException if defaults ask for what is not
     *     done here
     * @throws IllegalArgumentException if a setting is missing or wrong
     * @throws org.coreinfer.chat.ChatTemplateException if there is no chat template
     */
    public CoreInferChatModel build() {
      return new CoreInferChatModel(engine());
    }
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    CompletableFuture<ChatResponse> answer = ask(request);
    try {
      return answer.get();
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new NonRetriableException("the thread that waited for the answer was interrupted", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LangChain4jException known) {
        throw known;
      }
      throw new NonRetriableException("the answer failed", e);
    }
  }

  @Override
  public CompletableFuture<ChatResponse> doChatAsync(ChatRequest request) {
    try {
      return ask(request);
    } catch (LangChain4jException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private CompletableFuture<ChatResponse> ask(ChatRequest request) {
    ChatEngine.Question question = engine.question(request);
    WholeAnswer answer = new WholeAnswer(question.answer());
    Ticket ticket = engine.submit(question, answer);
    // Cancelling what this gives would not reach the answer, so callers get the answer's own.
    CompletableFuture<ChatResponse> unused =
        answer
            .future()
            .whenComplete(
                (response, problem) -> {
                  if (problem instanceof CancellationException) {
                    ticket.cancel();
                  }
                });
    return answer.future();
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return engine.defaults();
  }

  @Override
  public List<ChatModelListener> listeners() {
    return engine.listeners();
  }

  @Override
  public ModelProvider provider() {
    return ModelProvider.OTHER;
  }

  @Override
  public Set<Capability> supportedCapabilities() {
    return CAPABILITIES;
  }

  /** Ends all answers of this object, unless its scheduler was given; the model stays open. */
  @Override
  public void close() {
    engine.close();
  }
}
