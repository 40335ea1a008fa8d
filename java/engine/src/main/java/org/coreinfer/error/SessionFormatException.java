package org.coreinfer.error;

/** A saved session is broken, or not of this model, these options or this version. */
public class SessionFormatException extends CoreInferException {
  private static final long serialVersionUID = 1;

  public SessionFormatException(String message) {
    super(message);
  }
}
