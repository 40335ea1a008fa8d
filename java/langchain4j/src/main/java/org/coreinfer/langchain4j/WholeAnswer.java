package org.coreinfer.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import java.util.concurrent.CompletableFuture;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.AnswerListener;
import org.coreinfer.serving.ServedToken;

/** An answer that is wanted as a whole. */
final class WholeAnswer implements AnswerListener {
  private final AnswerParts parts;
  private final CompletableFuture<ChatResponse> future = new CompletableFuture<>();

  WholeAnswer(AnswerParts parts) {
    this.parts = parts;
  }

  /** Completes with the answer, or with one of LangChain4j's exceptions. */
  CompletableFuture<ChatResponse> future() {
    return future;
  }

  @Override
  public void onToken(ServedToken token) {
    parts.accept(token.text());
  }

  @Override
  public void onEnd(GenerationResult result) {
    RuntimeException problem = Problems.of(result.finishReason());
    if (problem != null) {
      future.completeExceptionally(problem);
      return;
    }
    parts.finish();
    parts.newCalls();
    future.complete(parts.response(result));
  }

  @Override
  public void onFailure(RuntimeException failure) {
    future.completeExceptionally(Problems.of(failure));
  }
}
