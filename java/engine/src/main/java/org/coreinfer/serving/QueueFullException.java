package org.coreinfer.serving;

import java.time.Duration;
import org.coreinfer.error.CoreInferException;

/** As many requests wait as may; none was taken. */
public final class QueueFullException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  private final Duration retryAfter;

  QueueFullException(int waiting, Duration retryAfter) {
    super(
        "%d requests are waiting, which is the most: try again in %d s"
            .formatted(waiting, retryAfter.toSeconds()));
    this.retryAfter = retryAfter;
  }

  /** When there will be room, by how long requests took lately: whole seconds, at least one. */
  public Duration retryAfter() {
    return retryAfter;
  }
}
