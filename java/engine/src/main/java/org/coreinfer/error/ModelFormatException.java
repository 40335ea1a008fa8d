package org.coreinfer.error;

import org.jspecify.annotations.Nullable;

/** A model or tokenizer file is broken, or holds something that this library does not support. */
public class ModelFormatException extends CoreInferException {
  private static final long serialVersionUID = 1L;

  public ModelFormatException(String message) {
    super(message);
  }

  public ModelFormatException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
