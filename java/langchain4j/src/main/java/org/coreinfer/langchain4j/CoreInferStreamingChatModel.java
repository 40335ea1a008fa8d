package org.coreinfer.langchain4j;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Flow;

/**
 * A model of this process for LangChain4j, whose answers come piece by piece; else as {@link
 * CoreInferChatModel}. All calls of one answer come from one thread, which is that answer's alone
 * and may be blocked. Cancelling ends the answer within a step, or within a layer's time while the
 * prompt is read, and no further call comes; {@link #start} gives the handle for that at once. Of a
 * publisher, cancelling the subscription does the same, and an answer whose subscriber asks for
 * nothing pauses, for half a minute at most.
 *
 * <p>A request for what this engine doesn't do throws {@link UnsupportedFeatureException}; every
 * other failure reaches the handler.
 */
public final class CoreInferStreamingChatModel implements StreamingChatModel, AutoCloseable {
  private static final Set<Capability> CAPABILITIES = Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);

  private final ChatEngine engine;

  private CoreInferStreamingChatModel(ChatEngine engine) {
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
     * @throws UnsupportedFeatureException if defaults ask for what is not done here
     * @throws IllegalArgumentException if a setting is missing or wrong
     * @throws org.coreinfer.chat.ChatTemplateException if there is no chat template
     */
    public CoreInferStreamingChatModel build() {
      return new CoreInferStreamingChatModel(engine());
    }
  }

  /**
   * As {@code chat}, with a handle that can end the answer before its first piece comes, while it
   * waits or its prompt is read.
   */
  public StreamingHandle start(ChatRequest request, StreamingChatResponseHandler handler) {
    Started started = new Started();
    started.chat(request, handler);
    return started.handle;
  }

  /** One use of the model, which keeps the handle. */
  private final class Started implements StreamingChatModel {
    private StreamingHandle handle = new EndedHandle();

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
      handle = begin(request, handler);
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
      return CoreInferStreamingChatModel.this.defaultRequestParameters();
    }

    @Override
    public List<ChatModelListener> listeners() {
      return CoreInferStreamingChatModel.this.listeners();
    }

    @Override
    public ModelProvider provider() {
      return CoreInferStreamingChatModel.this.provider();
    }
  }

  /** Of an answer that has failed before it began. */
  private static final class EndedHandle implements StreamingHandle {
    private volatile boolean isCancelled;

    @Override
    public void cancel() {
      isCancelled = true;
    }

    @Override
    public boolean isCancelled() {
      return isCancelled;
    }
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    StreamingHandle unused = begin(request, handler);
  }

  private StreamingHandle begin(ChatRequest request, StreamingChatResponseHandler handler) {
    try {
      ChatEngine.Question question = engine.question(request);
      StreamedAnswer answer = new StreamedAnswer(question.answer(), new HandlerSink(handler));
      answer.begin(engine.submit(question, answer));
      return answer;
    } catch (UnsupportedFeatureException e) {
      throw e;
    } catch (LangChain4jException e) {
      new HandlerSink(handler).onFailure(e);
      return new EndedHandle();
    }
  }

  @Override
  public Flow.Publisher<ChatModelStreamingEvent> doChat(ChatRequest request) {
    return subscriber -> {
      ChatEngine.Question question;
      try {
        question = engine.question(request);
      } catch (LangChain4jException e) {
        SubscriberSink.refuse(subscriber, e);
        return;
      }
      SubscriberSink sink = new SubscriberSink(subscriber, question.answer());
      subscriber.onSubscribe(sink);
      if (sink.answer().isCancelled()) {
        return;
      }
      try {
        sink.answer().begin(engine.submit(question, sink.answer()));
      } catch (LangChain4jException e) {
        sink.onFailure(e);
      }
    };
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
