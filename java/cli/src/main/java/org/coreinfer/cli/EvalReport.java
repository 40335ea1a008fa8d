package org.coreinfer.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.evaluation.Estimate;
import org.coreinfer.evaluation.Evaluation;
import org.jspecify.annotations.Nullable;

/** What {@code eval} prints as JSON. */
final class EvalReport {
  private EvalReport() {}

  /** One combination of method, rule and keep fraction. */
  record One(
      int documents,
      long tokens,
      Dense dense,
      String method,
      String rule,
      double alpha,
      double keep,
      String refresh,
      Core core) {}

  /** Several. */
  record Several(int documents, long tokens, Dense dense, List<Run> runs) {}

  /**
   * @param refresh as {@code --refresh} takes it
   */
  record Run(String method, String rule, double alpha, double keep, String refresh, Core core) {}

  record Dense(double nll, double perplexity, long bytesPerToken, DenseIntervals intervals) {}

  record DenseIntervals(@Nullable List<Double> nll, @Nullable List<Double> perplexity) {}

  record Core(
      double nll,
      double perplexity,
      double perplexityRatio,
      double kl,
      double top1Agreement,
      double acceptance,
      double overlap,
      double keepMeasured,
      double bytesPerToken,
      CoreIntervals intervals,
      @Nullable LargerSet withoutRefresh,
      @Nullable Lossless lossless) {}

  /** A set that stays as it is, of as many neurons as are computed with refreshes. */
  record LargerSet(double kl, @Nullable List<Double> interval) {}

  /** Greedy answers; the intervals are those of {@code accepted} and {@code speed}. */
  record Lossless(
      int draftsPerPass,
      int sameAnswers,
      @Nullable Double accepted,
      double tokensPerPass,
      double tokensPerSecond,
      double denseTokensPerSecond,
      double speed,
      @Nullable List<Double> acceptedInterval,
      @Nullable List<Double> speedInterval) {}

  /** Lower and upper ends; null where one document shows no spread. */
  record CoreIntervals(
      @Nullable List<Double> nll,
      @Nullable List<Double> perplexity,
      @Nullable List<Double> perplexityRatio,
      @Nullable List<Double> kl,
      @Nullable List<Double> top1Agreement,
      @Nullable List<Double> acceptance,
      @Nullable List<Double> overlap,
      @Nullable List<Double> keepMeasured,
      @Nullable List<Double> bytesPerToken) {}

  /** One JSON object. */
  static String json(Evaluation result) {
    Evaluation.Dense dense = result.dense();
    Dense all =
        new Dense(
            dense.nll().value(),
            dense.perplexity().value(),
            dense.bytesPerToken(),
            new DenseIntervals(interval(dense.nll()), interval(dense.perplexity())));
    List<Run> runs = result.cores().stream().map(EvalReport::run).toList();
    if (runs.size() > 1) {
      return Json.of(new Several(result.documents(), result.tokens(), all, runs)) + "\n";
    }
    Run run = runs.get(0);
    One one =
        new One(
            result.documents(),
            result.tokens(),
            all,
            run.method(),
            run.rule(),
            run.alpha(),
            run.keep(),
            run.refresh(),
            run.core());
    return Json.of(one) + "\n";
  }

  private static Run run(Evaluation.Core core) {
    CoreOptions options = core.options();
    return new Run(
        method(options),
        options.rule(),
        options.alpha(),
        options.keep(),
        refresh(options),
        measures(core));
  }

  private static Core measures(Evaluation.Core core) {
    return new Core(
        core.nll().value(),
        core.perplexity().value(),
        core.perplexityRatio().value(),
        core.kl().value(),
        core.top1Agreement().value(),
        core.acceptance().value(),
        core.overlap().value(),
        core.keepMeasured().value(),
        core.bytesPerToken().value(),
        new CoreIntervals(
            interval(core.nll()),
            interval(core.perplexity()),
            interval(core.perplexityRatio()),
            interval(core.kl()),
            interval(core.top1Agreement()),
            interval(core.acceptance()),
            interval(core.overlap()),
            interval(core.keepMeasured()),
            interval(core.bytesPerToken())),
        largerSet(core.klWithoutRefresh()),
        lossless(core.lossless()));
  }

  private static @Nullable LargerSet largerSet(@Nullable Estimate kl) {
    return kl == null ? null : new LargerSet(kl.value(), interval(kl));
  }

  private static @Nullable Lossless lossless(Evaluation.@Nullable Lossless measured) {
    return measured == null
        ? null
        : new Lossless(
            measured.draftsPerPass(),
            measured.sameAnswers(),
            measured.accepted().value(),
            measured.tokensPerPass().value(),
            measured.tokensPerSecond().value(),
            measured.denseTokensPerSecond().value(),
            measured.speed().value(),
            interval(measured.accepted()),
            interval(measured.speed()));
  }

  private static @Nullable List<Double> interval(Estimate estimate) {
    return estimate.hasInterval() ? Arrays.asList(estimate.low(), estimate.high()) : null;
  }

  /** As {@code --refresh} takes it. */
  static String refresh(CoreOptions options) {
    int every = options.upkeep().refresh();
    return every == Upkeep.AUTO ? "auto" : Integer.toString(every);
  }

  /** As {@code --method} names it. */
  static String method(CoreOptions options) {
    return options.method().name().toLowerCase(Locale.ROOT);
  }
}
