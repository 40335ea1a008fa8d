package org.coreinfer.server;

/** The other side has left, or takes nothing any more: its answer is of no use to anybody. */
final class ClientGoneException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ClientGoneException(Throwable cause) {
    super("the client has gone", cause, false, false);
  }
}
