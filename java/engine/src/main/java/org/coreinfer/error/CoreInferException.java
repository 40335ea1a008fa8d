package org.coreinfer.error;

import org.jspecify.annotations.Nullable;

/**
 * The root of what this library throws when the world, rather than the calling code, is at fault.
 */
public class CoreInferException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CoreInferException(String message) {
    super(message);
  }

  public CoreInferException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
