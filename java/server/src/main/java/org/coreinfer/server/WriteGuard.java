package org.coreinfer.server;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Ends writes that take too long, because nobody reads at the other end: the writer is interrupted,
 * which closes its connection. Thread-safe.
 */
final class WriteGuard implements AutoCloseable {
  private final ScheduledThreadPoolExecutor clock;
  private final long limitNanos;

  /** What may block. */
  @FunctionalInterface
  interface Write {
    void run() throws IOException;
  }

  WriteGuard(Duration limit) {
    this.limitNanos = limit.toNanos();
    this.clock =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread thread = new Thread(work, "coreinfer-http-clock");
              thread.setDaemon(true);
              return thread;
            });
    clock.setRemoveOnCancelPolicy(true);
  }

  /**
   * Writes.
   *
   * @throws ConnectionLostException if that failed or took too long
   */
  void run(Write write) {
    Watch watch = new Watch(Thread.currentThread());
    Future<?> alarm = alarm(watch);
    try {
      write.run();
    } catch (IOException e) {
      throw new ConnectionLostException(e);
    } finally {
      alarm.cancel(false);
      watch.end();
    }
  }

  private Future<?> alarm(Watch watch) {
    try {
      return clock.schedule(watch::interrupt, limitNanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) { // the server has stopped, and the connection with it
      throw new ConnectionLostException(e);
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }

  /** Makes sure that the interrupt hits this write and nothing after it. */
  private static final class Watch {
    private final Thread writer;
    private boolean isEnded;
    private boolean isInterrupted;

    Watch(Thread writer) {
      this.writer = writer;
    }

    synchronized void interrupt() {
      if (!isEnded) {
        isInterrupted = true;
        writer.interrupt();
      }
    }

    synchronized void end() {
      isEnded = true;
      if (isInterrupted) {
        Thread.interrupted();
      }
    }
  }
}
