package org.coreinfer.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** A stream that ends with an exception when nothing comes for too long. For one reader. */
final class StallGuard extends FilterInputStream {
  private final Duration limit;
  private final ScheduledExecutorService watch;
  private final ScheduledFuture<?> checks;
  private volatile long latest = System.nanoTime();
  private volatile boolean isStalled;

  StallGuard(InputStream source, Duration limit) {
    super(source);
    this.limit = limit;
    this.watch =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "download-watch");
              thread.setDaemon(true);
              return thread;
            });
    long period = Math.max(1, limit.toMillis() / 4);
    this.checks = watch.scheduleWithFixedDelay(this::check, period, period, TimeUnit.MILLISECONDS);
  }

  private void check() {
    if (System.nanoTime() - latest > limit.toNanos()) {
      isStalled = true;
      try {
        in.close();
      } catch (IOException e) {
        // The reader reports the end of the stream.
      }
      watch.shutdown();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    int count;
    try {
      count = super.read(bytes, offset, length);
    } catch (IOException e) {
      requireFlow();
      throw e;
    }
    requireFlow();
    latest = System.nanoTime();
    return count;
  }

  private void requireFlow() throws IOException {
    if (isStalled) {
      throw new IOException("nothing came for %.1f s".formatted(limit.toMillis() / 1e3));
    }
  }

  @Override
  public void close() throws IOException {
    checks.cancel(false);
    watch.shutdownNow();
    super.close();
  }
}
