package org.coreinfer.bench.compare;

/** An engine could not be measured; the message is a sentence that says why. */
final class EngineFailure extends Exception {
  private static final long serialVersionUID = 1L;

  EngineFailure(String message) {
    super(message);
  }

  EngineFailure(String message, Throwable cause) {
    super(message, cause);
  }
}
