package org.coreinfer.server;

import java.time.Duration;
import java.util.List;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.FinishReason;
import org.jspecify.annotations.Nullable;

/**
 * Sends answers while they come. A client that has left is noticed by writing alone: while there is
 * nothing to say, a stream gets comments, and a whole answer blanks before its JSON, for which JSON
 * has no meaning.
 */
final class AnswerSender {
  private static final System.Logger LOGGER = System.getLogger(AnswerSender.class.getName());

  /** Two of them pass until a client that has left is noticed. */
  private static final Duration HEARTBEAT = Duration.ofMillis(300);

  private static final String COMMENT = ":\n\n";
  private static final String BLANK = " ";

  private AnswerSender() {}

  /** Sends one JSON object when all answers have ended; an answer that fails, fails all. */
  static void whole(Call call, Answers answers, AnswerForm form) {
    Outflow out = null;
    long lastBeat = System.nanoTime();
    try {
      while (!answers.isDone()) {
        AnswerEvent event = answers.next(HEARTBEAT);
        if (event != null) {
          requireAnswer(event);
          form.take(event);
        }
        if (System.nanoTime() - lastBeat >= HEARTBEAT.toNanos()) {
          out = out == null ? call.open(Call.JSON) : out;
          out.write(BLANK);
          lastBeat = System.nanoTime();
        }
      }
    } catch (ApiException e) {
      if (out != null) { // the status was sent long ago
        out.write(e.body().toString());
      }
      throw e;
    }
    if (out == null) {
      call.send(form.whole());
    } else {
      out.write(form.whole().toString());
      out.close();
    }
  }

  /** Sends server-sent events. */
  static void stream(Call call, Answers answers, AnswerForm form) {
    Outflow out = call.open("text/event-stream; charset=utf-8");
    StringBuilder text = new StringBuilder();
    append(text, form.first());
    out.write(text.isEmpty() ? COMMENT : text.toString());
    try {
      while (!answers.isDone()) {
        text.setLength(0);
        AnswerEvent event = answers.next(HEARTBEAT);
        if (event == null) {
          text.append(COMMENT);
        }
        while (event != null) { // all that came meanwhile goes out at once
          requireAnswer(event);
          append(text, form.take(event));
          event = answers.next(Duration.ZERO);
        }
        if (!text.isEmpty()) {
          out.write(text.toString());
        }
      }
      text.setLength(0);
      append(text, form.last());
    } catch (ApiException e) {
      append(text, List.of(e.body()));
    }
    out.write(text.append("data: [DONE]\n\n").toString());
    out.close();
  }

  private static void append(StringBuilder text, List<JsonOut> chunks) {
    chunks.forEach(chunk -> text.append("data: ").append(chunk).append("\n\n"));
  }

  private static void requireAnswer(AnswerEvent event) {
    ApiException refusal = null;
    if (event instanceof AnswerEvent.Failure failure) {
      refusal = refusal(failure.cause());
    } else if (event instanceof AnswerEvent.End end) {
      refusal = refusal(end);
    }
    if (refusal != null) {
      throw refusal;
    }
  }

  private static ApiException refusal(RuntimeException cause) {
    if (cause instanceof IllegalStateException) {
      return ApiException.unavailable("stopping", "the server stopped before the answer's end");
    }
    LOGGER.log(System.Logger.Level.ERROR, "an answer failed", cause);
    return ApiException.failed(
        cause instanceof CoreInferException
            ? String.valueOf(cause.getMessage())
            : "unexpected " + cause.getClass().getSimpleName());
  }

  /** An answer that has ended before its first token is none; one that was cut short is. */
  private static @Nullable ApiException refusal(AnswerEvent.End end) {
    if (end.result().finishReason() == FinishReason.CANCELLED) {
      return ApiException.unavailable("stopping", "the server stopped before the answer's end");
    }
    if (end.result().finishReason() == FinishReason.TIMED_OUT && end.result().tokens().isEmpty()) {
      return ApiException.timedOut(
          "there was no time left before the first token: try again, ask for less, or start the"
              + " server with a longer --timeout");
    }
    return null;
  }
}
