package org.coreinfer.generation;

/** Ends an answer from any thread, during prefill as well. */
public final class Cancellation {
  private volatile boolean isCancelled;

  /**
   * Asks for the end, which comes within a layer's time during prefill and within a token's time
   * during decode.
   */
  public void cancel() {
    isCancelled = true;
  }

  public boolean isCancelled() {
    return isCancelled;
  }
}
