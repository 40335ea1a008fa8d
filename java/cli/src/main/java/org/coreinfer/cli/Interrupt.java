package org.coreinfer.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.coreinfer.generation.Cancellation;

/**
 * Turns Ctrl-C into a cancellation, and keeps the process alive until the work has ended and closed
 * what it held. The JVM then ends with the code of the signal, 130 for Ctrl-C.
 */
final class Interrupt {
  /** The exit code of a process that Ctrl-C ended. */
  static final int EXIT_CODE = 130;

  private static final long LONGEST_WAIT_SECONDS = 10;

  private final Cancellation cancellation = new Cancellation();
  private final CountDownLatch ended = new CountDownLatch(1);

  private Interrupt() {}

  /** Starts to listen. */
  static Interrupt install() {
    Interrupt interrupt = new Interrupt();
    Runtime.getRuntime().addShutdownHook(new Thread(interrupt::cancelAndWait, "interrupt"));
    return interrupt;
  }

  Cancellation cancellation() {
    return cancellation;
  }

  /** Lets the process end. */
  void workEnded() {
    ended.countDown();
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
}
