package org.coreinfer.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;

/** A handler that keeps what it hears. */
final class HandlerLog implements StreamingChatResponseHandler {
  final List<String> pieces = new CopyOnWriteArrayList<>();
  final List<ToolExecutionRequest> calls = new CopyOnWriteArrayList<>();
  final CompletableFuture<ChatResponse> end = new CompletableFuture<>();
  private volatile CountDownLatch gate = new CountDownLatch(0);
  private volatile BiConsumer<Integer, StreamingHandle> onPiece = (count, handle) -> {};

  /** Stands still in the first call until {@link #unblock}. */
  void blockAtFirst() {
    gate = new CountDownLatch(1);
  }

  void unblock() {
    gate.countDown();
  }

  /**
   * @param action gets the number of pieces so far, and the handle
   */
  void onPiece(BiConsumer<Integer, StreamingHandle> action) {
    onPiece = action;
  }

  @Override
  public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    pieces.add(piece.text());
    onPiece.accept(pieces.size(), context.streamingHandle());
  }

  @Override
  public void onCompleteToolCall(CompleteToolCall call) {
    calls.add(call.toolExecutionRequest());
  }

  @Override
  public void onCompleteResponse(ChatResponse response) {
    end.complete(response);
  }

  @Override
  public void onError(Throwable error) {
    end.completeExceptionally(error);
  }
}
