package org.coreinfer.generation;

/**
 * What a drafted token and a verifying pass cost, in any unit. Before anything was measured, and
 * always if clocks must not matter, weights that are read stand for time. For one thread.
 */
final class DraftCosts {
  /** What a further token adds to a pass, relative to one token, where nothing was measured. */
  static final double FURTHER_TOKEN = 0.25;

  private static final double DECAY = 0.9; // of what earlier rounds said, per round
  private static final double MOST_SURPRISE = 3; // a longer pass was disturbed
  private static final double ENOUGH = 3; // rounds

  private final double bytesRatio;
  private double draftSum;
  private double draftCount;
  // Decayed sums over passes: count, tokens, tokens squared, time, tokens times time.
  private double count;
  private double tokenSum;
  private double squareSum;
  private double timeSum;
  private double productSum;

  /**
   * @param bytesRatio the weights that a draft reads, relative to those of a pass
   */
  DraftCosts(double bytesRatio) {
    this.bytesRatio = bytesRatio;
  }

  void measuredDrafts(int drafts, long nanos) {
    double known = draft();
    double each = (double) nanos / drafts;
    double sane = draftCount > ENOUGH ? Math.min(each, MOST_SURPRISE * known) : each;
    draftSum = draftSum * DECAY + sane;
    draftCount = draftCount * DECAY + 1;
  }

  void measuredPass(int tokens, long nanos) {
    double sane =
        count > ENOUGH ? Math.min((double) nanos, MOST_SURPRISE * pass(tokens)) : (double) nanos;
    count = count * DECAY + 1;
    tokenSum = tokenSum * DECAY + tokens;
    squareSum = squareSum * DECAY + (double) tokens * tokens;
    timeSum = timeSum * DECAY + sane;
    productSum = productSum * DECAY + tokens * sane;
  }

  /** Of one drafted token. */
  double draft() {
    if (draftCount > 0) {
      return draftSum / draftCount;
    }
    return bytesRatio * (count > 0 ? pass(1) : 1);
  }

  /** Of a pass with so many tokens: a line through what was measured. */
  double pass(int tokens) {
    if (count == 0) {
      double one = draftCount > 0 ? draft() / bytesRatio : 1;
      return one * (1 + FURTHER_TOKEN * (tokens - 1));
    }
    double meanTokens = tokenSum / count;
    double meanTime = timeSum / count;
    double variance = squareSum / count - meanTokens * meanTokens;
    double assumed = meanTime * FURTHER_TOKEN / (1 + FURTHER_TOKEN * (meanTokens - 1));
    double slope =
        variance > 0.5 ? (productSum / count - meanTokens * meanTime) / variance : assumed;
    double time = meanTime + Math.max(0, slope) * (tokens - meanTokens);
    return Math.max(time, 0.1 * meanTime);
  }
}
