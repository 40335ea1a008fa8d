package org.coreinfer.backend;

/** Sums the time that the backend spends between starts and stops. For one thread at a time. */
public interface Stopwatch extends AutoCloseable {
  void start();

  void stop();

  /** The sum since the last call; waits for work that was queued. */
  long takeNanos();

  @Override
  void close();
}
