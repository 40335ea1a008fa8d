package org.coreinfer.hub;

/** A model could not be downloaded, found or removed; the message says why and what to do. */
public final class HubException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  HubException(String message) {
    super(message);
  }

  HubException(String message, Throwable cause) {
    super(message, cause);
  }
}
