package org.coreinfer.serving;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A thread that tells listeners what they wait for. */
final class DeliveryThread extends Thread {
  private static final int IDLE_SECONDS = 5;

  private DeliveryThread(Runnable task, int number) {
    super(task, "coreinfer-delivery-" + number);
    setDaemon(true);
  }

  /** As many threads as there are listeners to tell something, so that none waits for another. */
  static ExecutorService newPool() {
    AtomicInteger count = new AtomicInteger();
    return new ThreadPoolExecutor(
        0,
        Integer.MAX_VALUE,
        IDLE_SECONDS,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        task -> new DeliveryThread(task, count.incrementAndGet()));
  }
}
