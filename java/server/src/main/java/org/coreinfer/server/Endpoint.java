package org.coreinfer.server;

/** What answers one kind of request. Thread-safe. */
@FunctionalInterface
interface Endpoint {
  /**
   * Answers.
   *
   * @throws ApiException if the request is refused; nothing was sent then
   * @throws ConnectionLostException if nobody waits for the answer any more
   */
  void answer(Call call);
}
