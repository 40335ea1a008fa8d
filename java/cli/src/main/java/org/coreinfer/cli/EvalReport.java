package org.coreinfer.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.evaluation.Estimate;
import org.coreinfer.evaluation.Evaluation;
import org.jspecify.annotations.Nullable;

/** What {@code eval} prints. */
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
      Core core) {}

  /** Several. */
  record Several(int documents, long tokens, Dense dense, List<Run> runs) {}

  record Run(String method, String rule, double alpha, double keep, Core core) {}

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
      CoreIntervals intervals) {}

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
            run.core());
    return Json.of(one) + "\n";
  }

  private static Run run(Evaluation.Core core) {
    CoreOptions options = core.options();
    return new Run(
        method(options), options.rule(), options.alpha(), options.keep(), measures(core));
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
            interval(core.bytesPerToken())));
  }

  private static @Nullable List<Double> interval(Estimate estimate) {
    return estimate.hasInterval() ? Arrays.asList(estimate.low(), estimate.high()) : null;
  }

  /** As {@code --method} names it. */
  static String method(CoreOptions options) {
    return options.method().name().toLowerCase(Locale.ROOT);
  }

  /** A line for each combination. */
  static String table(Evaluation result) {
    Evaluation.Dense dense = result.dense();
    TextTable table =
        new TextTable(
            "method",
            "rule",
            "keep",
            "computed",
            "MB/token",
            "perplexity",
            "ratio",
            "KL divergence",
            "same top token",
            "accepted",
            "overlap");
    table.row(
        "dense",
        "-",
        "1",
        "100 %",
        megabytes((double) dense.bytesPerToken()),
        String.format(Locale.ROOT, "%.2f", dense.perplexity().value()),
        "1",
        "0",
        "100 %",
        "100 %",
        "-");
    result.cores().stream()
        .filter(core -> core.options().method() != CoreOptions.Method.DENSE)
        .forEach(core -> row(table, core));
    return String.format(
            Locale.ROOT, "%d documents, %d tokens scored%n%n", result.documents(), result.tokens())
        + table
        + """

        computed: share of neurons; ratio: perplexity over dense perplexity; KL divergence from dense
        predictions, nats per token; same top token: of tokens, as with dense decoding, or of a greedy
        draft, what lossless decoding accepts; accepted: the same of a sampled draft; overlap: of the
        prompt's set with the continuation's own.
        """
        + (dense.nll().hasInterval()
            ? "\u00b1 is half the 95 % confidence interval over documents.\n"
            : "");
  }

  private static void row(TextTable table, Evaluation.Core core) {
    CoreOptions options = core.options();
    table.row(
        method(options),
        options.rule(),
        String.format(Locale.ROOT, "%.3g", options.keep()).replaceFirst("\\.?0+$", ""),
        String.format(Locale.ROOT, "%.1f %%", 100 * core.keepMeasured().value()),
        megabytes(core.bytesPerToken().value()),
        String.format(Locale.ROOT, "%.2f", core.perplexity().value()),
        spread(core.perplexityRatio(), 1, 3),
        spread(core.kl(), 1, 4),
        spread(core.top1Agreement(), 100, 1) + " %",
        spread(core.acceptance(), 100, 1) + " %",
        spread(core.overlap(), 1, 3));
  }

  private static String megabytes(double bytes) {
    return String.format(Locale.ROOT, bytes < 1e8 ? "%.2f" : "%.0f", bytes / 1e6);
  }

  private static String spread(Estimate estimate, double unit, int decimals) {
    String value = "%." + decimals + "f";
    return estimate.hasInterval()
        ? String.format(
            Locale.ROOT,
            value + " \u00b1 " + value,
            unit * estimate.value(),
            unit * estimate.halfWidth())
        : String.format(Locale.ROOT, value, unit * estimate.value());
  }
}
