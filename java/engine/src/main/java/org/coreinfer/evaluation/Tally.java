package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.coreinfer.core.CoreOptions;
import org.jspecify.annotations.Nullable;

/** The scores of all documents with one choice of options, and what they mean. */
final class Tally {
  private final CoreOptions options;
  private final List<DocumentScores> documents = new ArrayList<>();
  private final List<DocumentScores> notRefreshed = new ArrayList<>(); // as many, or none
  private final List<Double> overlaps = new ArrayList<>();
  private final @Nullable LosslessTrial lossless;

  /**
   * @param lossless null if the options aren't
   */
  Tally(CoreOptions options, @Nullable LosslessTrial lossless) {
    this.options = options;
    this.lossless = lossless;
  }

  CoreOptions options() {
    return options;
  }

  @Nullable LosslessTrial lossless() {
    return lossless;
  }

  void add(DocumentScores scores, double overlap) {
    documents.add(scores);
    overlaps.add(overlap);
  }

  /** Adds the scores of a document whose set was larger, but not renewed. */
  void addNotRefreshed(DocumentScores scores) {
    notRefreshed.add(scores);
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
        divergence(bootstrap, documents),
        perToken(bootstrap, DocumentScores::agreements, x -> x),
        perToken(bootstrap, DocumentScores::common, x -> x),
        bootstrap.ratio(overlap, ones, x -> x),
        perToken(bootstrap, DocumentScores::keep, x -> x),
        perToken(bootstrap, DocumentScores::bytes, x -> x),
        notRefreshed.isEmpty() ? null : divergence(bootstrap, notRefreshed),
        lossless == null ? null : lossless.result(bootstrap));
  }

  private static Estimate divergence(Bootstrap bootstrap, List<DocumentScores> scores) {
    return perToken(bootstrap, scores, DocumentScores::divergence, x -> Math.max(0, x));
  }

  private Estimate perToken(
      Bootstrap bootstrap, ToDoubleFunction<DocumentScores> sum, DoubleUnaryOperator transform) {
    return perToken(bootstrap, documents, sum, transform);
  }

  private static Estimate perToken(
      Bootstrap bootstrap,
      List<DocumentScores> scores,
      ToDoubleFunction<DocumentScores> sum,
      DoubleUnaryOperator transform) {
    return bootstrap.ratio(
        scores.stream().mapToDouble(sum).toArray(),
        scores.stream().mapToDouble(DocumentScores::tokens).toArray(),
        transform);
  }
}
