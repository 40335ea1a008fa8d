package org.coreinfer.evaluation;

/** Sums over scored tokens. */
final class Tally {
  private final Prediction dense;
  private final Prediction core;
  private int documents;
  private long tokens;
  private double denseNll;
  private double coreNll;
  private double divergence;
  private long agreements;
  private double keep;

  Tally(int vocabulary) {
    dense = new Prediction(vocabulary);
    core = new Prediction(vocabulary);
  }

  Prediction dense() {
    return dense;
  }

  Prediction core() {
    return core;
  }

  /** Scores {@code token}, which the predictions of {@link #dense} and {@link #core} precede. */
  void score(int token) {
    tokens++;
    denseNll -= dense.logProbability(token);
    coreNll -= core.logProbability(token);
    divergence += dense.divergenceOf(core);
    agreements += dense.best() == core.best() ? 1 : 0;
  }

  /**
   * Counts a document.
   *
   * @param keepOfDocument share of neurons that its core decoding computed
   */
  void endDocument(int scoredTokens, double keepOfDocument) {
    documents++;
    keep += keepOfDocument * scoredTokens;
  }

  Evaluation result() {
    if (tokens == 0) {
      throw new IllegalStateException("no token was scored");
    }
    return new Evaluation(
        documents,
        tokens,
        new Evaluation.Dense(denseNll / tokens, Math.exp(denseNll / tokens)),
        new Evaluation.Core(
            coreNll / tokens,
            Math.exp(coreNll / tokens),
            divergence / tokens,
            (double) agreements / tokens,
            keep / tokens));
  }
}
