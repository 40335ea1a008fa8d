package org.coreinfer.sampling;

import java.nio.FloatBuffer;

/**
 * Which tokens one answer may have, such as those of a JSON text. Every text that it allows can be
 * brought to an end: there is always a token that may come next. For one answer and one thread.
 */
public interface TokenConstraint {
  /**
   * Puts negative infinity at every token that may not come next; end tokens stay only where the
   * text may end.
   *
   * @param logits (vocabulary) of the model, which may have more tokens than its tokenizer
   */
  void mask(FloatBuffer logits);

  /**
   * Takes the next token of the answer.
   *
   * @throws IllegalArgumentException if it may not come next
   */
  void accept(int token);

  /** Whether nothing but an end token can follow any more. */
  boolean isComplete();

  /** Keeps what was accepted so far for {@link #rewind}. */
  void mark();

  /** Forgets what was accepted since the latest {@link #mark}. */
  void rewind();
}
