package org.coreinfer.sampling;

import org.coreinfer.model.Logits;

/**
 * Draws tokens in rounds: drafts, from logits that are near to the right ones, then the tokens that
 * the right logits make of them. With the most likely token always taken, the tokens are those that
 * a {@link Sampler} takes; otherwise they have the same distribution, and the same seed draws the
 * same tokens if the rounds are as long. For one sequence and one thread.
 */
public interface DraftSampler {
  /** Remembers a token of the prompt for the repetition penalty. */
  void accept(int token);

  /**
   * Drafts the token after those verified and, in this round, drafted so far.
   *
   * @param logits must not be used afterwards
   */
  int draft(Logits logits);

  /** Ends the round's drafts: what follows verifies them, from the first one on. */
  void beginVerifying();

  /**
   * The next token, which is then verified: the next draft if that is accepted; with any other one
   * the round is over. When there is no further draft, a token as a {@link Sampler} draws it.
   *
   * @param logits must not be used afterwards
   */
  int verify(Logits logits);

  /** Forgets the drafts of a round that is not verified. */
  void abandon();
}
