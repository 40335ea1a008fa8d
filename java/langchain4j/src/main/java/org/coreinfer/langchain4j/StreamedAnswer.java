package org.coreinfer.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.AnswerListener;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.Ticket;
import org.jspecify.annotations.Nullable;

/**
 * An answer that is handed on as it comes, on a thread of its own, so that all calls come from the
 * same one. A sink that is slow delays its own answer only. After {@link #cancel} nothing more is
 * handed on.
 */
final class StreamedAnswer implements AnswerListener, StreamingHandle {
  private static final int BUFFERED_TOKENS = 64;
  private static final AtomicLong NUMBER = new AtomicLong();

  private final AnswerParts parts;
  private final AnswerSink sink;
  private final BlockingQueue<Runnable> events = new LinkedBlockingQueue<>();
  private final Semaphore room = new Semaphore(BUFFERED_TOKENS);
  private int calls; // that were handed on
  private boolean isOver; // of the thread
  private volatile @Nullable Ticket ticket;
  private volatile boolean isCancelled;

  StreamedAnswer(AnswerParts parts, AnswerSink sink) {
    this.parts = parts;
    this.sink = sink;
  }

  /** The request was taken: hands on what comes from now on. */
  void begin(Ticket taken) {
    ticket = taken;
    if (isCancelled) {
      taken.cancel();
    }
    Thread thread = new Thread(this::handOn, "coreinfer-answer-" + NUMBER.incrementAndGet());
    thread.setDaemon(true);
    thread.start();
  }

  private void handOn() {
    while (!isOver) {
      try {
        events.take().run();
      } catch (InterruptedException e) {
        cancel(); // the thread is nobody else's: its sink wants to end
      } catch (Error e) {
        cancel();
        throw e;
      }
    }
  }

  /** Ends the answer, wherever it is; its sink hears nothing more. */
  @Override
  public void cancel() {
    isCancelled = true;
    Ticket taken = ticket;
    if (taken != null) {
      taken.cancel();
    }
    room.release(BUFFERED_TOKENS); // nobody waits for what is dropped
    sink.hurry();
  }

  @Override
  public boolean isCancelled() {
    return isCancelled;
  }

  @Override
  public void onToken(ServedToken token) {
    if (isCancelled) {
      return;
    }
    try {
      room.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the handler of a streamed answer stood still", e);
    }
    events.add(
        () -> {
          room.release();
          handOn(parts.accept(token.text()));
        });
  }

  private void handOn(String text) {
    if (!text.isEmpty() && !isCancelled) {
      sink.onText(text, this);
    }
    for (ToolExecutionRequest call : parts.newCalls()) {
      if (!isCancelled) {
        sink.onCall(calls++, call);
      }
    }
  }

  @Override
  public void onEnd(GenerationResult result) {
    RuntimeException problem = Problems.of(result.finishReason());
    if (problem != null) {
      fail(problem);
      return;
    }
    events.add(
        () -> {
          isOver = true;
          handOn(parts.finish());
          if (!isCancelled) {
            sink.onEnd(parts.response(result));
          }
        });
  }

  @Override
  public void onFailure(RuntimeException failure) {
    fail(Problems.of(failure));
  }

  private void fail(RuntimeException problem) {
    sink.hurry();
    events.add(
        () -> {
          isOver = true;
          if (!isCancelled) {
            sink.onFailure(problem);
          }
        });
  }
}
