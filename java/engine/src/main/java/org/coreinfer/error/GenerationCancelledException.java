package org.coreinfer.error;

import org.jspecify.annotations.Nullable;

/** The work was cancelled, or its model was closed, before it ended. */
public class GenerationCancelledException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  public GenerationCancelledException(String message) {
    super(message);
  }

  public GenerationCancelledException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
