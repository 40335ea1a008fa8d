package org.coreinfer.sampling;

import org.coreinfer.model.Logits;

/** Takes the most likely token, of drafts as of what verifies them. */
final class GreedyDrafts implements DraftSampler {
  private final Sampler sampler;
  private boolean isDrafting;

  GreedyDrafts(Sampler sampler) {
    this.sampler = sampler;
  }

  @Override
  public void accept(int token) {
    sampler.accept(token);
  }

  @Override
  public int draft(Logits logits) {
    if (!isDrafting) {
      sampler.mark();
      isDrafting = true;
    }
    int token = sampler.sample(logits);
    sampler.accept(token);
    return token;
  }

  @Override
  public void beginVerifying() {
    abandon();
  }

  @Override
  public int verify(Logits logits) {
    int token = sampler.sample(logits);
    sampler.accept(token);
    return token;
  }

  @Override
  public void abandon() {
    if (isDrafting) {
      sampler.rewind();
      isDrafting = false;
    }
  }
}
