package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.coreinfer.core.CoreOptions;
import org.jspecify.annotations.Nullable;

/** The scores of all documents with one choice of options, and what they mean. */
final class Tally {
  private final CoreOptions options;
  private final List<OptionScores> documents = new ArrayList<>();
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

  void add(OptionScores scores) {
    documents.add(scores);
  }

  int documents() {
    return documents.size();
  }

  long tokens() {
    return documents.stream().mapToLong(OptionScores::tokens).sum();
  }

  Evaluation.Dense dense(Bootstrap bootstrap, long bytesPerToken) {
    Estimate nll = perToken(bootstrap, OptionScores::denseNll, x -> x);
    return new Evaluation.Dense(
        nll, perToken(bootstrap, OptionScores::denseNll, Math::exp), bytesPerToken);
  }

  Evaluation.Core core(Bootstrap bootstrap) {
    double[] overlap = documents.stream().mapToDouble(OptionScores::overlap).toArray();
    double[] ones = documents.stream().mapToDouble(d -> 1).toArray();
    return new Evaluation.Core(
        options,
        perToken(bootstrap, OptionScores::coreNll, x -> x),
        perToken(bootstrap, OptionScores::coreNll, Math::exp),
        perToken(bootstrap, d -> d.coreNll() - d.denseNll(), Math::exp),
        divergence(bootstrap, OptionScores::divergence),
        perToken(bootstrap, OptionScores::agreements, x -> x),
        perToken(bootstrap, OptionScores::common, x -> x),
        bootstrap.ratio(overlap, ones, x -> x),
        perToken(bootstrap, OptionScores::keep, x -> x),
        perToken(bootstrap, OptionScores::bytes, x -> x),
        isRefreshed() ? divergence(bootstrap, Tally::divergenceWithoutRefresh) : null,
        lossless == null ? null : lossless.result(bootstrap));
  }

  private boolean isRefreshed() {
    return documents.stream().allMatch(scores -> scores.divergenceWithoutRefresh() != null);
  }

  private static double divergenceWithoutRefresh(OptionScores scores) {
    return Objects.requireNonNull(scores.divergenceWithoutRefresh());
  }

  private Estimate divergence(Bootstrap bootstrap, ToDoubleFunction<OptionScores> sum) {
    return perToken(bootstrap, sum, x -> Math.max(0, x));
  }

  private Estimate perToken(
      Bootstrap bootstrap, ToDoubleFunction<OptionScores> sum, DoubleUnaryOperator transform) {
    return bootstrap.ratio(
        documents.stream().mapToDouble(sum).toArray(),
        documents.stream().mapToDouble(OptionScores::tokens).toArray(),
        transform);
  }
}
