package org.coreinfer.generation;

/**
 * How many tokens to draft: as many as give the most tokens per cost, if drafts are accepted as
 * often as lately. None where drafting does not pay; then one is tried now and then. For one
 * thread.
 */
final class AdaptiveLength implements DraftLength {
  private static final double DECAY = 0.95; // of the weight of a tested draft, per tested draft
  private static final double ASSUMED_ACCEPTANCE = 0.7;
  private static final double ASSUMED_WEIGHT = 2; // drafts
  private static final int ROUNDS_BEFORE_TRIAL = 32;

  private final DraftCosts costs;
  private double accepted = ASSUMED_ACCEPTANCE * ASSUMED_WEIGHT;
  private double tested = ASSUMED_WEIGHT;
  private int roundsWithout;

  AdaptiveLength(DraftCosts costs) {
    this.costs = costs;
  }

  @Override
  public int choose(int most) {
    double acceptance = accepted / tested;
    int best = 0;
    double bestRate = 0;
    double expected = 0;
    double chance = 1;
    for (int length = 0; length <= most; length++) {
      expected += chance;
      chance *= acceptance;
      double rate = expected / (length * costs.draft() + costs.pass(length + 1));
      if (rate > bestRate) {
        bestRate = rate;
        best = length;
      }
    }
    if (best > 0 || most == 0) {
      roundsWithout = 0;
      return best;
    }
    roundsWithout++;
    return roundsWithout % ROUNDS_BEFORE_TRIAL == 0 ? 1 : 0;
  }

  @Override
  public void learn(int draftedTokens, int acceptedTokens) {
    // Drafts after the first rejected one say nothing.
    int outcomes = Math.min(draftedTokens, acceptedTokens + 1);
    for (int i = 0; i < outcomes; i++) {
      tested = tested * DECAY + 1;
      accepted = accepted * DECAY + (i < acceptedTokens ? 1 : 0);
    }
  }
}
