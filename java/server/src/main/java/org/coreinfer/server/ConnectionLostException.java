package org.coreinfer.server;

/**
 * Nobody can be answered over this connection any more: the other side has left, takes nothing, or
 * got an answer that broke off.
 */
final class ConnectionLostException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ConnectionLostException(Throwable cause) {
    super("the connection is lost", cause, false, false);
  }
}
