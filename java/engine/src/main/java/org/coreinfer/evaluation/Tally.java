package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.coreinfer.core.CoreOptions;

/** The scores of all documents with one choice of options, and what they mean. */
final class Tally {
  private final CoreOptions options;
  private final List<DocumentScores> documents = new ArrayList<>();
  private final List<Double> overlaps = new ArrayList<>();

  Tally(CoreOptions options) {
    this.options = options;
  }

  CoreOptions options() {
    return options;
  }

  void add(DocumentScores scores, double overlap) {
    documents.add(scores);
    overlaps.add(overlap);
  }

  int documents() {
    return documents.size();
  }

  long tokens() {
    return documents.stream().mapToLong(DocumentScores::tokens).sum();
  }

  Evaluation.Dense dense(Bootstrap bootstrap, long bytesPerToken) {
    Estimate nll = perToken(bootstrap, DocumentScores::denseNll, x -> x);
    return new Evaluation.Dense(
        nll, perToken(bootstrap, DocumentScores::denseNll, Math::exp), bytesPerToken);
  }

  Evaluation.Core core(Bootstrap bootstrap) {
    double[] overlap = overlaps.stream().mapToDouble(x -> x).toArray();
    double[] ones = documents.stream().mapToDouble(d -> 1).toArray();
    return new Evaluation.Core(
        options,
        perToken(bootstrap, DocumentScores::coreNll, x -> x),
        perToken(bootstrap, DocumentScores::coreNll, Math::exp),
        perToken(bootstrap, d -> d.coreNll() - d.denseNll(), Math::exp),
        perToken(bootstrap, DocumentScores::divergence, x -> Math.max(0, x)),
        perToken(bootstrap, DocumentScores::agreements, x -> x),
        perToken(bootstrap, DocumentScores::common, x -> x),
        bootstrap.ratio(overlap, ones, x -> x),
        perToken(bootstrap, DocumentScores::keep, x -> x),
        perToken(bootstrap, DocumentScores::bytes, x -> x));
  }

  private Estimate perToken(
      Bootstrap bootstrap, ToDoubleFunction<DocumentScores> sum, DoubleUnaryOperator transform) {
    return bootstrap.ratio(
        documents.stream().mapToDouble(sum).toArray(),
        documents.stream().mapToDouble(DocumentScores::tokens).toArray(),
        transform);
  }
}
