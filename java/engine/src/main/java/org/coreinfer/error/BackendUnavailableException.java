package org.coreinfer.error;

import org.jspecify.annotations.Nullable;

/** The backend that was asked for cannot run on this machine. */
public class BackendUnavailableException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  public BackendUnavailableException(String message) {
    super(message);
  }

  public BackendUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
