package org.coreinfer.cli;

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

  private static final long LONGEST_WAIT_SECONDS = 10;

  private final Cancellation cancellation;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread hook = new Thread(this::cancelAndWait, "interrupt");

  private Interrupt(Cancellation cancellation) {
    this.cancellation = cancellation;
  }

  /** Listens until it is closed. */
  static Interrupt listen(Cancellation cancellation) {
    Interrupt interrupt = new Interrupt(cancellation);
    Runtime.getRuntime().addShutdownHook(interrupt.hook);
    return interrupt;
  }

  Cancellation cancellation() {
    return cancellation;
  }

  private void cancelAndWait() {
    cancellation.cancel();
    try {
      boolean isInTime = ended.await(LONGEST_WAIT_SECONDS, TimeUnit.SECONDS);
      if (!isInTime) {
        System.err.println("coreinfer: stopped in the middle of a long step");
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
