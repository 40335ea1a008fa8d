package org.coreinfer.error;

import org.jspecify.annotations.Nullable;

/** Native memory for weights, caches or activations could not be had. */
public class OutOfNativeMemoryException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  public OutOfNativeMemoryException(String message) {
    super(message);
  }

  public OutOfNativeMemoryException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
