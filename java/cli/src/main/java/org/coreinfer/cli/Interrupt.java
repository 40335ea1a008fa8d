package org.coreinfer.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.coreinfer.generation.Cancellation;

/**
 * Turns Ctrl-C into a cancellation while a model is in use, and keeps the process alive until the
 * model is closed. The JVM then ends with the code of the signal.
 */
final class Interrupt implements AutoCloseable {
  /** The exit code of a process that Ctrl-C ended. */
  static final int EXIT_CODE = 130;

  private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

  private final Cancellation cancellation;
  private final Duration longestWait;
  private final boolean isUsualEnd;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread hook = new Thread(this::cancelAndWait, "interrupt");

  private Interrupt(Cancellation cancellation, Duration longestWait, boolean isUsualEnd) {
    this.cancellation = cancellation;
    this.longestWait = longestWait;
    this.isUsualEnd = isUsualEnd;
  }

  /** Listens until it is closed. */
  static Interrupt listen(Cancellation cancellation) {
    return new Interrupt(cancellation, LONGEST_WAIT, false).listening();
  }

  /**
   * Listens until it is closed, for work that goes on until a signal ends it: then the process ends
   * with 0.
   *
   * @param longestWait for the end of the work
   */
  static Interrupt listenForEnd(Cancellation cancellation, Duration longestWait) {
    return new Interrupt(cancellation, longestWait, true).listening();
  }

  private Interrupt listening() {
    Runtime.getRuntime().addShutdownHook(hook);
    return this;
  }

  Cancellation cancellation() {
    return cancellation;
  }

  private void cancelAndWait() {
    cancellation.cancel();
    try {
      boolean isInTime = ended.await(longestWait.toNanos(), TimeUnit.NANOSECONDS);
      if (!isInTime) {
        System.err.println("coreinfer: stopped in the middle of a long step");
      } else if (isUsualEnd) {
        Runtime.getRuntime().halt(0); // what a signal ends has its own code otherwise
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    ended.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending, and the hook was what waited for this.
    }
  }
}
