package org.coreinfer.generation;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.text.StreamDecoder;
import org.jspecify.annotations.Nullable;

/**
 * An answer in progress: each step of {@link #iterator} computes a token on the calling thread; the
 * first one reads the prompt before. For one thread; {@link #close}, from any thread, ends it
 * early.
 */
public final class TokenStream implements Iterable<Token>, AutoCloseable {
  private final Answer answer;
  private final Cancellation cancellation;
  private final Lifetime.Nested lifetime;
  private final Runnable onEnd;
  private @Nullable Token prepared;
  private boolean isEnded;
  private volatile boolean isClosed;

  /**
   * @param prompt tokens to read
   * @param endTokens tokens that end the answer
   * @param text makes text of the answer's tokens
   * @param lifetime entered during each step, so that nothing is freed below it
   * @param onEnd runs once, when the last token was computed or the stream was closed
   */
  public TokenStream(
      Sequence sequence,
      GenerationRequest request,
      int[] prompt,
      Set<Integer> endTokens,
      StreamDecoder text,
      Lifetime.Nested lifetime,
      Runnable onEnd) {
    this.cancellation = request.cancellation();
    this.lifetime = lifetime;
    this.onEnd = onEnd;
    this.answer =
        new Answer(
            sequence,
            request,
            prompt,
            0,
            new Answer.Setting(
                endTokens, text, this::check, request.prefillProgress(), DrawListener.NONE, null));
  }

  /**
   * The tokens that were not handed out yet; every iterator of a stream takes from the same ones.
   */
  @Override
  public Iterator<Token> iterator() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return peek() != null;
      }

      @Override
      public Token next() {
        return take();
      }
    };
  }

  private synchronized @Nullable Token peek() {
    if (prepared == null && answer.finishReason() == null) {
      prepared = step();
      if (answer.finishReason() != null) {
        runOnEnd();
      }
    }
    return prepared;
  }

  private synchronized Token take() {
    Token token = peek();
    if (token == null) {
      throw new NoSuchElementException("the answer has ended");
    }
    prepared = null;
    return token;
  }

  private @Nullable Token step() {
    lifetime.enter();
    try {
      if (isCancelled()) {
        return answer.end(FinishReason.CANCELLED);
      }
      return answer.isReading() ? answer.read(Integer.MAX_VALUE) : answer.step();
    } catch (GenerationCancelledException e) {
      return answer.end(FinishReason.CANCELLED);
    } catch (RuntimeException e) {
      answer.end(FinishReason.CANCELLED);
      runOnEnd();
      throw e;
    } finally {
      lifetime.exit();
    }
  }

  /** Ends the answer if that was asked for. */
  private void check(String activity) {
    if (isCancelled()) {
      throw new GenerationCancelledException("cancelled while " + activity);
    }
    if (lifetime.isClosed()) {
      throw new IllegalStateException("the session or its model was closed while " + activity);
    }
  }

  private boolean isCancelled() {
    return isClosed || cancellation.isCancelled();
  }

  private void runOnEnd() {
    if (!isEnded) {
      isEnded = true;
      onEnd.run();
    }
  }

  /**
   * The answer, once all tokens were taken or the stream was closed.
   *
   * @throws IllegalStateException if the answer has not ended
   */
  public synchronized GenerationResult result() {
    return answer.result();
  }

  /**
   * Ends the answer, after the step in progress; the session can then go on with another request.
   */
  @Override
  public void close() {
    isClosed = true;
    synchronized (this) {
      answer.end(FinishReason.CANCELLED);
      runOnEnd();
    }
  }
}
