package org.coreinfer.backend.cuda;

import java.util.concurrent.atomic.AtomicLong;
import org.coreinfer.error.OutOfNativeMemoryException;

/** Counts device memory against a limit. Thread-safe. */
final class MemoryBudget {
  private final String device;
  private final long limit;
  private final AtomicLong used = new AtomicLong();

  MemoryBudget(String device, long limit) {
    this.device = device;
    this.limit = limit;
  }

  /**
   * Takes {@code bytes}.
   *
   * @throws OutOfNativeMemoryException if fewer are left; nothing is taken then
   */
  void take(String use, long bytes) {
    long now = used.addAndGet(bytes);
    if (now > limit) {
      used.addAndGet(-bytes);
      throw new OutOfNativeMemoryException(
          "%s: no memory for %s: it needs %d bytes, and %d of the %d that may be used are taken; use a smaller context or keep, or allow more GPU memory"
              .formatted(device, use, bytes, now - bytes, limit));
    }
  }

  void giveBack(long bytes) {
    used.addAndGet(-bytes);
  }

  long used() {
    return used.get();
  }

  long limit() {
    return limit;
  }
}
