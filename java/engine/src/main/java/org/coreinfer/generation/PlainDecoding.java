package org.coreinfer.generation;

import org.coreinfer.model.Logits;
import org.coreinfer.sampling.Sampler;

/**
 * Each token is computed once, with the sequence's neurons.
 *
 * @param draws hears of each draw
 * @param duringStep called while a token that renews the neurons is computed; may throw to end it
 */
record PlainDecoding(Sequence sequence, Sampler sampler, DrawListener draws, Runnable duringStep)
    implements TokenSource {
  @Override
  public int first(Logits afterPrompt) {
    return draw(afterPrompt);
  }

  @Override
  public int next(int most) {
    return draw(sequence.decode(fraction -> duringStep.run()));
  }

  /** The token that follows, with the logits after the accepted one. */
  int draw(Logits logits) {
    draws.before(logits);
    int token = sampler.sample(logits);
    sampler.accept(token);
    draws.drawn(token);
    return token;
  }
}
