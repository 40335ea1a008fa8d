package org.coreinfer.server;

import java.util.List;

/** How an endpoint writes its answers, as a whole or in chunks. For one request and one thread. */
interface AnswerForm {
  /**
   * Takes what happened.
   *
   * @return chunks to stream now; a whole answer has no use for them
   */
  List<JsonOut> take(AnswerEvent event);

  /** The chunks before anything happens. */
  List<JsonOut> first();

  /** The chunks after all answers have ended. */
  List<JsonOut> last();

  /** Everything that was taken, as one object. */
  JsonOut whole();
}
