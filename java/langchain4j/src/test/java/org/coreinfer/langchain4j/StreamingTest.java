package org.coreinfer.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.model.chat.listener.ChatModelErrorContext;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.FinishReason;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import org.coreinfer.serving.Scheduler;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Embedded.class)
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StreamingTest {
  private Scheduler scheduler;
  private CoreInferStreamingChatModel model;
  private final List<String> heard = new CopyOnWriteArrayList<>();

  @BeforeAll
  void start() {
    scheduler = Scheduler.builder(Embedded.model()).slots(2).buffer(4).build();
    model = Embedded.streaming().scheduler(scheduler).listeners(List.of(new Hearing())).build();
  }

  @AfterAll
  void stop() {
    model.close();
    scheduler.close();
  }

  private final class Hearing implements ChatModelListener {
    @Override
    public void onRequest(ChatModelRequestContext context) {
      heard.add("request");
    }

    @Override
    public void onResponse(ChatModelResponseContext context) {
      heard.add("response");
    }

    @Override
    public void onError(ChatModelErrorContext context) {
      heard.add("error");
    }
  }

  private static ChatRequest request(String text, ChatRequestParameters parameters) {
    return ChatRequest.builder()
        .messages(UserMessage.from(text))
        .parameters(parameters)
        .build();
  }

  private static ChatRequest endless() {
    return request("Go on.", Embedded.endless());
  }

  private static ChatRequest hello() {
    return request("Hello", Embedded.saying("Hello to you"));
  }

  private long cancelled() {
    return scheduler.status().counters().cancelled();
  }

  private void awaitIdle() throws InterruptedException {
    while (scheduler.status().running() + scheduler.status().waiting() > 0) {
      Thread.sleep(1);
    }
  }

  private HandlerLog answered(ChatRequest request) {
    HandlerLog log = new HandlerLog();
    model.chat(request, log);
    return log;
  }

  @Test
  void piecesAreTheWholeAnswer() throws Exception {
    HandlerLog log = answered(hello());
    ChatResponse response = log.end.get();
    assertEquals("\"Hello to you\"", response.aiMessage().text().strip());
    assertEquals(response.aiMessage().text(), String.join("", log.pieces));
    assertEquals(FinishReason.STOP, response.finishReason());
    assertTrue(log.pieces.size() > 1);
  }

  @Test
  void aHandleEndsTheAnswerForGood() throws Exception {
    long before = cancelled();
    HandlerLog log = new HandlerLog();
    CompletableFuture<StreamingHandle> used = new CompletableFuture<>();
    log.onPiece(
        (count, handle) -> {
          if (count == 3) {
            assertFalse(handle.isCancelled());
            handle.cancel();
            handle.cancel();
            used.complete(handle);
          }
        });
    heard.clear();
    model.chat(endless(), log);
    assertTrue(used.get().isCancelled());
    awaitIdle();
    answered(hello()).end.get(); // what was left of the other would have come by now
    assertEquals(3, log.pieces.size());
    assertFalse(log.end.isDone());
    assertEquals(before + 1, cancelled());
    assertEquals(List.of("request", "request", "response"), heard);
  }

  @Test
  void aHandleEndsAnAnswerThatWaitsOrIsBeingRead() throws Exception {
    long before = cancelled();
    HandlerLog one = new HandlerLog();
    HandlerLog two = new HandlerLog();
    one.blockAtFirst();
    two.blockAtFirst();
    StreamingHandle first = model.start(endless(), one);
    StreamingHandle second = model.start(endless(), two);
    while (scheduler.status().running() < 2) {
      Thread.sleep(1);
    }
    HandlerLog three = new HandlerLog();
    StreamingHandle waiting = model.start(endless(), three); // there are two slots
    assertEquals(1, scheduler.status().waiting());
    waiting.cancel();
    while (scheduler.status().waiting() > 0) {
      Thread.sleep(1);
    }
    first.cancel();
    second.cancel();
    one.unblock();
    two.unblock();
    awaitIdle();
    HandlerLog four = new HandlerLog();
    model.start(request("word ".repeat(400), Embedded.endless()), four).cancel();
    awaitIdle();
    assertEquals(before + 4, cancelled());
    assertTrue(three.pieces.isEmpty() && four.pieces.isEmpty());
    assertFalse(three.end.isDone() || four.end.isDone());
  }

  @Test
  void aHandlerThatStandsStillDelaysNobodyElse() throws Exception {
    HandlerLog slow = new HandlerLog();
    slow.blockAtFirst();
    StreamingHandle handle = model.start(endless(), slow);
    for (int i = 0; i < 5; i++) {
      assertEquals("\"Hello to you\"", answered(hello()).end.get().aiMessage().text().strip());
    }
    handle.cancel();
    slow.unblock();
    awaitIdle();
    assertTrue(slow.pieces.size() <= 1);
  }

  @Test
  void aHandlerThatStandsStillForTooLongIsGivenUp() throws Exception {
    HandlerLog slow = new HandlerLog();
    slow.blockAtFirst();
    try (Scheduler impatient =
            Scheduler.builder(Embedded.model())
                .buffer(1)
                .patience(Duration.ofMillis(50))
                .build();
        CoreInferStreamingChatModel other = Embedded.streaming().scheduler(impatient).build()) {
      other.chat(endless(), slow);
      while (impatient.status().counters().cancelled()
              + impatient.status().counters().failed()
          == 0) {
        Thread.sleep(1);
      }
      slow.unblock();
      ExecutionException failure = assertThrows(ExecutionException.class, slow.end::get);
      assertInstanceOf(NonRetriableException.class, failure.getCause());
    }
  }

  @Test
  void callsComeAsTheyAreComplete() throws Exception {
    try (CoreInferStreamingChatModel tooled =
        CoreInferStreamingChatModel.builder()
            .model(Embedded.model())
            .scheduler(scheduler)
            .chatTemplate(Embedded.toolTemplate())
            .build()) {
      HandlerLog log = new HandlerLog();
      tooled.chat(
          request(
              "Munich",
              ChatRequestParameters.builder()
                  .toolSpecifications(Conformance.WEATHER)
                  .toolChoice(ToolChoice.REQUIRED)
                  .build()),
          log);
      ChatResponse response = log.end.get();
      assertEquals(FinishReason.TOOL_EXECUTION, response.finishReason());
      assertEquals(1, log.calls.size());
      assertEquals(response.aiMessage().toolExecutionRequests(), log.calls);
      assertTrue(log.pieces.isEmpty());
    }
  }

  @Test
  void whatFailsBeforeTheAnswerReachesTheHandler() {
    HandlerLog log = new HandlerLog();
    StreamingHandle handle = model.start(request("word ".repeat(1000), Embedded.endless()), log);
    ExecutionException failure = assertThrows(ExecutionException.class, log.end::get);
    assertInstanceOf(InvalidRequestException.class, failure.getCause());
    handle.cancel();
    assertTrue(handle.isCancelled());
  }

  /** Asks for as much as its test says, and keeps what it hears. */
  private static final class Reader implements Flow.Subscriber<ChatModelStreamingEvent> {
    final List<ChatModelStreamingEvent> events = new CopyOnWriteArrayList<>();
    final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    final CompletableFuture<String> end = new CompletableFuture<>();
    private final long demand;

    Reader(long demand) {
      this.demand = demand;
    }

    @Override
    public void onSubscribe(Flow.Subscription value) {
      subscription.complete(value);
      if (demand != 0) {
        value.request(demand);
      }
    }

    @Override
    public void onNext(ChatModelStreamingEvent event) {
      events.add(event);
    }

    @Override
    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    @Override
    public void onComplete() {
      end.complete("end");
    }

    void awaitEvents(int count) throws InterruptedException {
      while (events.size() < count) {
        Thread.sleep(1);
      }
    }
  }

  @Test
  void aSubscriberGetsNoMoreThanItAskedFor() throws Exception {
    Reader reader = new Reader(0);
    model.chat(hello()).subscribe(reader);
    Flow.Subscription subscription = reader.subscription.get();
    answered(hello()).end.get();
    assertTrue(reader.events.isEmpty());
    subscription.request(2);
    reader.awaitEvents(2);
    answered(hello()).end.get();
    assertEquals(2, reader.events.size());
    subscription.request(Long.MAX_VALUE);
    assertEquals("end", reader.end.get());
    CompleteResponse last =
        assertInstanceOf(CompleteResponse.class, reader.events.get(reader.events.size() - 1));
    assertEquals("\"Hello to you\"", last.chatResponse().aiMessage().text().strip());
    assertInstanceOf(PartialResponse.class, reader.events.get(0));
  }

  @Test
  void aCancelledSubscriptionEndsTheAnswerUnheard() throws Exception {
    long before = cancelled();
    heard.clear();
    Reader reader = new Reader(3);
    model.chat(endless()).subscribe(reader);
    reader.awaitEvents(3);
    reader.subscription.get().cancel();
    reader.subscription.get().request(10);
    awaitIdle();
    assertEquals(before + 1, cancelled());
    assertEquals(3, reader.events.size());
    assertFalse(reader.end.isDone());
    assertEquals(List.of("request"), heard);
  }

  @Test
  void aSubscriberThatThrowsHasCancelled() throws Exception {
    long before = cancelled();
    Reader reader =
        new Reader(Long.MAX_VALUE);
    model
        .chat(endless())
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                reader.onSubscribe(subscription);
              }

              @Override
              public void onNext(ChatModelStreamingEvent event) {
                reader.onNext(event);
                throw new IllegalStateException("enough");
              }

              @Override
              public void onError(Throwable error) {
                reader.onError(error);
              }

              @Override
              public void onComplete() {
                reader.onComplete();
              }
            });
    reader.awaitEvents(1);
    awaitIdle();
    assertEquals(before + 1, cancelled());
    assertEquals(1, reader.events.size());
    assertFalse(reader.end.isDone());
  }

  @Test
  void askingForNothingIsAnError() throws Exception {
    Reader reader = new Reader(-1);
    model.chat(endless()).subscribe(reader);
    ExecutionException failure = assertThrows(ExecutionException.class, reader.end::get);
    assertInstanceOf(IllegalArgumentException.class, failure.getCause());
    awaitIdle();
    assertTrue(reader.events.isEmpty());
  }

  @Test
  void aRequestThatCannotBeAnsweredIsAnErrorOfItsPublisher() {
    Reader reader = new Reader(1);
    model
        .chat(request("Hi", ChatRequestParameters.builder().temperature(-1.0).build()))
        .subscribe(reader);
    ExecutionException failure = assertThrows(ExecutionException.class, reader.end::get);
    assertInstanceOf(InvalidRequestException.class, failure.getCause());
  }
}
