package org.coreinfer.serving;

/** A request that was taken. Thread-safe. */
public interface Ticket {
  /**
   * Ends the answer, wherever it is: while it waits at once, while the prompt is read within a
   * layer's time, else within a step. Its listener still hears the end. Does nothing when called
   * again, or after the end.
   */
  void cancel();
}
