package org.coreinfer.sampling;

import org.coreinfer.model.Logits;

/**
 * Draws tokens. In this order: bias, repetition penalty, penalties for frequency and presence,
 * constraint, temperature, top-k, top-p, min-p; then one draw among what is left. Of equal logits
 * the lower token comes first. The same seed draws the same tokens on any device. For one sequence
 * and one thread.
 */
public interface Sampler {
  /** Remembers a token of the prompt or of the answer for the repetition penalty. */
  void accept(int token);

  /** Keeps what was accepted so far for {@link #rewind}. */
  void mark();

  /** Forgets what was accepted since the latest {@link #mark}. */
  void rewind();

  /**
   * The next token, which a constraint and the answer's penalties take at once. The logits must not
   * be used afterwards.
   */
  int sample(Logits logits);
}
