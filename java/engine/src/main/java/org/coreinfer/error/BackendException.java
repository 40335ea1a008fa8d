package org.coreinfer.error;

import org.jspecify.annotations.Nullable;

/** A native call failed; the message names the call and its sizes. */
public class BackendException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  public BackendException(String message) {
    super(message);
  }

  public BackendException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
