package org.coreinfer.generation;

import org.coreinfer.model.Logits;
import org.coreinfer.sampling.Sampler;

/** Each token is computed once, with the sequence's neurons. */
record PlainDecoding(Sequence sequence, Sampler sampler) implements TokenSource {
  @Override
  public int first(Logits afterPrompt) {
    return draw(afterPrompt);
  }

  @Override
  public int next(int most) {
    return draw(sequence.decode());
  }

  private int draw(Logits logits) {
    int token = sampler.sample(logits);
    sampler.accept(token);
    return token;
  }
}
