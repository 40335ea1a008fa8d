package org.coreinfer.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.concurrent.Flow;

/**
 * Tells a subscriber, no more than it asked for: an answer whose subscriber asks for nothing
 * pauses. A subscriber that throws has cancelled.
 */
final class SubscriberSink implements AnswerSink, Flow.Subscription {
  private static final System.Logger LOGGER = System.getLogger(SubscriberSink.class.getName());

  private final Flow.Subscriber<? super ChatModelStreamingEvent> subscriber;
  private final StreamedAnswer answer;
  private long demand;
  private boolean isHurried;
  private boolean isOver;

  SubscriberSink(
      Flow.Subscriber<? super ChatModelStreamingEvent> subscriber, AnswerParts parts) {
    this.subscriber = subscriber;
    this.answer = new StreamedAnswer(parts, this);
  }

  /** Tells a subscriber that there will be no answer. */
  static void refuse(
      Flow.Subscriber<? super ChatModelStreamingEvent> subscriber, RuntimeException why) {
    subscriber.onSubscribe(
        new Flow.Subscription() {
          @Override
          public void request(long n) {}

          @Override
          public void cancel() {}
        });
    subscriber.onError(why);
  }

  StreamedAnswer answer() {
    return answer;
  }

  @Override
  public void request(long n) {
    synchronized (this) {
      if (n > 0) {
        demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
        notifyAll();
        return;
      }
    }
    fail(new IllegalArgumentException("request(%d): expected 1 or more".formatted(n)));
  }

  @Override
  public void cancel() {
    answer.cancel();
  }

  @Override
  public synchronized void hurry() {
    isHurried = true;
    notifyAll();
  }

  @Override
  public void onText(String text, StreamingHandle handle) {
    next(new PartialResponse(text));
  }

  @Override
  public void onCall(int index, ToolExecutionRequest call) {
    next(new CompleteToolCall(index, call));
  }

  @Override
  public void onEnd(ChatResponse response) {
    if (next(new CompleteResponse(response)) && end()) {
      guarded(subscriber::onComplete);
    }
  }

  @Override
  public void onFailure(RuntimeException failure) {
    fail(failure);
  }

  private void fail(RuntimeException failure) {
    if (end()) {
      guarded(() -> subscriber.onError(failure));
      answer.cancel();
    }
  }

  private synchronized boolean end() {
    boolean wasOver = isOver;
    isOver = true;
    return !wasOver;
  }

  private boolean next(ChatModelStreamingEvent event) {
    return awaitDemand() && guarded(() -> subscriber.onNext(event));
  }

  private synchronized boolean awaitDemand() {
    try {
      while (demand == 0 && !isHurried && !isOver) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      answer.cancel();
    }
    if (demand == 0 || isOver || answer.isCancelled()) {
      return false;
    }
    demand -= demand == Long.MAX_VALUE ? 0 : 1;
    return true;
  }

  private boolean guarded(Runnable call) {
    try {
      call.run();
      return true;
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.WARNING, "a subscriber threw, which ends its answer", e);
      answer.cancel();
      return false;
    }
  }
}
