package org.coreinfer.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.evaluation.Estimate;
import org.coreinfer.evaluation.Evaluation;
import org.jspecify.annotations.Nullable;

/**
 * An evaluation as a table: a line for dense decoding and one for each of the options. Columns of
 * refreshes and of lossless answers are there where something was measured of them.
 */
final class EvalTable {
  private static final String MEASURES =
      """

      computed: share of neurons; ratio: perplexity over dense perplexity; KL divergence from dense
      predictions, nats per token; same top token: of tokens, as with dense decoding, or of a greedy
      draft, what lossless decoding accepts; accepted: the same of a sampled draft; overlap: of the
      prompt's set with the continuation's own.
      """;
  private static final String REFRESHES =
      """
      refresh: one of so many tokens renews the set; KL of larger set: of one that stays as it is, and
      of which as many neurons are computed.
      """;
  private static final String ANSWERS =
      """
      Greedy lossless answers: drafts kept: of those that were made; tokens/pass: of a pass through
      every neuron; tokens/s, and their ratio to dense answers that were timed in turn.
      """;

  private final Evaluation evaluation;
  private final boolean isRefreshed;
  private final boolean isAnswered;

  private EvalTable(Evaluation evaluation) {
    this.evaluation = evaluation;
    this.isRefreshed =
        evaluation.cores().stream().anyMatch(core -> core.klWithoutRefresh() != null);
    this.isAnswered = evaluation.cores().stream().anyMatch(core -> core.lossless() != null);
  }

  static String of(Evaluation evaluation) {
    return new EvalTable(evaluation).text();
  }

  private String text() {
    TextTable table = new TextTable(heads().toArray(String[]::new));
    table.row(dense().toArray(String[]::new));
    evaluation.cores().stream()
        .filter(core -> core.options().method() != Method.DENSE)
        .forEach(core -> table.row(row(core).toArray(String[]::new)));
    String counts =
        String.format(
            Locale.ROOT,
            "%d documents, %d tokens scored%n%n",
            evaluation.documents(),
            evaluation.tokens());
    return counts
        + table
        + MEASURES
        + (isRefreshed ? REFRESHES : "")
        + (isAnswered ? ANSWERS : "")
        + (evaluation.dense().nll().hasInterval()
            ? "\u00b1 is half the 95 % confidence interval over documents.\n"
            : "");
  }

  private List<String> heads() {
    List<String> heads =
        new ArrayList<>(
            List.of(
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
                "overlap"));
    if (isRefreshed) {
      heads.addAll(List.of("refresh", "KL of larger set"));
    }
    if (isAnswered) {
      heads.addAll(List.of("drafts kept", "tokens/pass", "tokens/s", "of dense"));
    }
    return heads;
  }

  private List<String> dense() {
    Evaluation.Dense dense = evaluation.dense();
    List<String> cells =
        new ArrayList<>(
            List.of(
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
                "-"));
    while (cells.size() < heads().size()) {
      cells.add("-");
    }
    return cells;
  }

  private List<String> row(Evaluation.Core core) {
    List<String> cells =
        new ArrayList<>(
            List.of(
                EvalReport.method(core.options()),
                core.options().rule(),
                String.format(Locale.ROOT, "%.3g", core.options().keep())
                    .replaceFirst("\\.?0+$", ""),
                String.format(Locale.ROOT, "%.1f %%", 100 * core.keepMeasured().value()),
                megabytes(core.bytesPerToken().value()),
                String.format(Locale.ROOT, "%.2f", core.perplexity().value()),
                spread(core.perplexityRatio(), 1, 3),
                spread(core.kl(), 1, 4),
                spread(core.top1Agreement(), 100, 1) + " %",
                spread(core.acceptance(), 100, 1) + " %",
                spread(core.overlap(), 1, 3)));
    if (isRefreshed) {
      Estimate larger = core.klWithoutRefresh();
      cells.add(EvalReport.refresh(core.options()));
      cells.add(larger == null ? "-" : spread(larger, 1, 4));
    }
    if (isAnswered) {
      cells.addAll(answers(core.lossless()));
    }
    return cells;
  }

  private static List<String> answers(Evaluation.@Nullable Lossless lossless) {
    if (lossless == null) {
      return List.of("-", "-", "-", "-");
    }
    boolean isDrafted = !Double.isNaN(lossless.accepted().value());
    return List.of(
        isDrafted ? spread(lossless.accepted(), 100, 1) + " %" : "-",
        String.format(Locale.ROOT, "%.2f", lossless.tokensPerPass().value()),
        String.format(Locale.ROOT, "%.1f", lossless.tokensPerSecond().value()),
        spread(lossless.speed(), 1, 2));
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
