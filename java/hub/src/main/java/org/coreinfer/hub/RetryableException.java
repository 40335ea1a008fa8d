package org.coreinfer.hub;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A request that failed and may succeed later. */
final class RetryableException extends IOException {
  private static final long serialVersionUID = 1L;

  private final @Nullable Duration wish;

  RetryableException(String message, @Nullable Duration wish) {
    super(message);
    this.wish = wish;
  }

  /** How long the server wants to be left alone; null if it does not say. */
  @Nullable Duration wish() {
    return wish;
  }
}
