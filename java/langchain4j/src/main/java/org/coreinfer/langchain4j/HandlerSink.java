package org.coreinfer.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;

/**
 * Tells a handler. What the handler throws goes to its own {@code onError}, and the answer goes on,
 * as in all of LangChain4j.
 */
final class HandlerSink implements AnswerSink {
  private static final System.Logger LOGGER = System.getLogger(HandlerSink.class.getName());

  private final StreamingChatResponseHandler handler;

  HandlerSink(StreamingChatResponseHandler handler) {
    this.handler = handler;
  }

  @Override
  public void onText(String text, StreamingHandle handle) {
    guarded(
        () ->
            handler.onPartialResponse(
                new PartialResponse(text), new PartialResponseContext(handle)));
  }

  @Override
  public void onCall(int index, ToolExecutionRequest call) {
    guarded(() -> handler.onCompleteToolCall(new CompleteToolCall(index, call)));
  }

  @Override
  public void onEnd(ChatResponse response) {
    guarded(() -> handler.onCompleteResponse(response));
  }

  @Override
  public void onFailure(RuntimeException failure) {
    tell(failure);
  }

  private void guarded(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      tell(e);
    }
  }

  private void tell(RuntimeException error) {
    try {
      handler.onError(error);
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.WARNING, "a handler failed to hear of an error", e);
    }
  }
}
