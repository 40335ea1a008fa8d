package org.coreinfer.error;

import org.jspecify.annotations.Nullable;

/** Native memory for weights, caches or activations could not be had. */
public class OutOfNativeMemoryException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  private final long enough;

  public OutOfNativeMemoryException(String message) {
    this(message, 0);
  }

  /**
   * A plan that does not work out.
   *
   * @param enough the bytes with which it would
   */
  public OutOfNativeMemoryException(String message, long enough) {
    super(message);
    this.enough = enough;
  }

  public OutOfNativeMemoryException(String message, @Nullable Throwable cause) {
    super(message, cause);
    this.enough = 0;
  }

  /** The bytes that would have been enough; 0 if that is not known. */
  public long enough() {
    return enough;
  }
}
