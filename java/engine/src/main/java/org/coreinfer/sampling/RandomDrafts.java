package org.coreinfer.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.coreinfer.model.Logits;

/**
 * Speculative sampling, on the host. Every draw takes new random numbers from the seed's stream:
 * drafts that were not accepted may have decided from what later ones are drawn, by the neurons
 * that were chosen since, so their numbers must not serve again. The text depends on the lengths of
 * rounds, therefore.
 */
final class RandomDrafts implements DraftSampler {
  private final SplittableRandom random;
  private final RecentTokens recent;
  private final Candidates candidates;
  private final List<Draft> drafts = new ArrayList<>(); // of this round
  private boolean isDrafting;
  private int verified; // of this round

  private record Draft(int token, Distribution from) {}

  RandomDrafts(SamplingOptions options, TokenConstraint constraint) {
    this.random = new SplittableRandom(options.seed());
    this.recent = new RecentTokens(options);
    this.candidates = new Candidates(options, constraint);
  }

  @Override
  public void accept(int token) {
    recent.accept(token);
  }

  @Override
  public int draft(Logits logits) {
    if (!isDrafting) {
      recent.mark();
      candidates.mark();
      drafts.clear();
      isDrafting = true;
    }
    Distribution from = distribution(logits);
    int token = from.draw(random.nextDouble());
    drafts.add(new Draft(token, from));
    recent.accept(token);
    candidates.accept(token);
    return token;
  }

  @Override
  public void beginVerifying() {
    if (isDrafting) {
      recent.rewind();
      candidates.rewind();
      isDrafting = false;
    } else {
      drafts.clear();
    }
    verified = 0;
  }

  @Override
  public int verify(Logits logits) {
    Distribution right = distribution(logits);
    int token;
    if (verified < drafts.size()) {
      Draft draft = drafts.get(verified);
      token = right.correct(draft.token, draft.from, random.nextDouble(), random.nextDouble());
    } else {
      token = right.draw(random.nextDouble());
    }
    verified++;
    recent.accept(token);
    candidates.accept(token);
    return token;
  }

  @Override
  public void abandon() {
    beginVerifying();
    drafts.clear();
  }

  private Distribution distribution(Logits logits) {
    candidates.take(logits.read(), recent);
    return candidates.distribution();
  }
}
