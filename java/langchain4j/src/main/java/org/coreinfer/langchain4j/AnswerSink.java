package org.coreinfer.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingHandle;

/** Who hears of a streamed answer: one call at a time, all on the answer's own thread. */
interface AnswerSink {
  /**
   * @param handle ends the answer
   */
  void onText(String text, StreamingHandle handle);

  /**
   * @param index of the call in the answer, from 0
   */
  void onCall(int index, ToolExecutionRequest call);

  void onEnd(ChatResponse response);

  void onFailure(RuntimeException failure);

  /** Nothing but a failure will follow: what waits for something must not. From any thread. */
  default void hurry() {}
}
