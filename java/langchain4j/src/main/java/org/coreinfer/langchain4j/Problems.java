package org.coreinfer.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import org.coreinfer.chat.ChatTemplateException;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.serving.QueueFullException;
import org.jspecify.annotations.Nullable;

/** This engine's exceptions as LangChain4j's, which say whether to try again. */
final class Problems {
  private Problems() {}

  /** The exception that callers see for one of the engine's. */
  static RuntimeException of(RuntimeException cause) {
    String message = String.valueOf(cause.getMessage());
    if (cause instanceof LangChain4jException) {
      return cause;
    }
    if (cause instanceof QueueFullException) {
      return new RateLimitException(message, cause);
    }
    if (cause instanceof IllegalArgumentException || cause instanceof ChatTemplateException) {
      return new InvalidRequestException(message, cause);
    }
    if (cause instanceof CoreInferException) {
      return new InternalServerException(message, cause);
    }
    return new NonRetriableException(message, cause);
  }

  /** Why an answer that ended in this way is none; null if it is one. */
  static @Nullable RuntimeException of(FinishReason reason) {
    return switch (reason) {
      case EOS, STOP, LENGTH -> null;
      case TIMED_OUT -> new TimeoutException("the answer took longer than it was allowed to");
      case CANCELLED -> new NonRetriableException("the answer was cancelled");
    };
  }
}
