package org.coreinfer.generation;

import org.coreinfer.model.Logits;
import org.jspecify.annotations.Nullable;

/**
 * Where an answer's tokens come from. Its sequence must accept each before the next is asked for.
 */
interface TokenSource {
  /** The first token of the answer. */
  int first(Logits afterPrompt);

  /**
   * The token after the accepted one.
   *
   * @param most how many tokens the answer may still have, at least 1
   */
  int next(int most);

  /** What became of drafts; null where none are made. */
  default @Nullable Drafts drafts() {
    return null;
  }
}
