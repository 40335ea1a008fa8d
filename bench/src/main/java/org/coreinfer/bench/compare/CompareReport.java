package org.coreinfer.bench.compare;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.coreinfer.cli.MarkdownTable;
import org.coreinfer.evaluation.Rate;
import org.jspecify.annotations.Nullable;

/**
 * What a comparison found.
 *
 * @param date ISO 8601, UTC
 * @param promptTokens of the prompts that were read
 * @param tokens that were decoded, from the beginning of a text on
 */
record CompareReport(
    String date,
    Machine machine,
    String version,
    String shape,
    int layers,
    int threads,
    int promptTokens,
    int tokens,
    int rounds,
    List<Model> models) {

  /**
   * The engines on one dtype.
   *
   * @param baseline what ratios are relative to: the first dense engine but this one, if any
   * @param bandwidth bytes per second that this machine reads, the median of all rounds; null if
   *     unknown
   */
  record Model(
      String dtype, @Nullable String baseline, @Nullable Double bandwidth, List<Row> rows) {}

  /**
   * One engine with one setting; rates are null if it failed.
   *
   * @param ratio of decoding to the baseline's
   * @param failure why it could not be measured, or not to the end
   */
  record Row(
      String engine,
      @Nullable Double keep,
      @Nullable String version,
      String command,
      @Nullable Rate promptTokensPerSecond,
      @Nullable Rate decodeTokensPerSecond,
      List<Double> decodeRounds,
      @Nullable Double ratio,
      @Nullable Long bytesPerToken,
      @Nullable Double bandwidthFraction,
      @Nullable String failure) {

    /** The engine, and the fraction where it has one. */
    String name() {
      return keep == null || keep == 1 ? engine : engine + " " + keep;
    }
  }

  /** What one contender showed in its rounds. */
  static final class Series {
    private final Contender contender;
    private final List<Measured> rounds = new ArrayList<>();
    private @Nullable String failure;

    Series(Contender contender) {
      this.contender = contender;
    }

    Contender contender() {
      return contender;
    }

    void add(Measured measured) {
      rounds.add(measured);
    }

    void fail(String reason) {
      failure = reason;
    }

    boolean hasFailed() {
      return failure != null;
    }

    private @Nullable Rate rate(Function<Measured, @Nullable Double> part) {
      List<Double> values = rounds.stream().map(part).filter(Objects::nonNull).toList();
      return values.isEmpty() ? null : Rate.of(values);
    }
  }

  static Model model(String dtype, Trial trial, List<Series> all) {
    List<Double> bandwidths =
        all.stream()
            .flatMap(series -> series.rounds.stream())
            .map(Measured::bandwidth)
            .filter(Objects::nonNull)
            .toList();
    Double bandwidth = bandwidths.isEmpty() ? null : Rate.of(bandwidths).median();
    Series baseline = baseline(all);
    Rate base = baseline == null ? null : baseline.rate(Measured::decodeRate);
    List<Row> rows = all.stream().map(series -> row(series, trial, base, bandwidth)).toList();
    return new Model(dtype, baseline == null ? null : baseline.contender.label(), bandwidth, rows);
  }

  private static @Nullable Series baseline(List<Series> all) {
    Series own = null;
    for (Series series : all) {
      Double keep = series.contender.keep();
      boolean isDense = keep == null || keep == 1;
      if (isDense && !series.rounds.isEmpty()) {
        if (!(series.contender instanceof CoreInferContender)) {
          return series;
        }
        own = series;
      }
    }
    return own;
  }

  private static Row row(
      Series series, Trial trial, @Nullable Rate base, @Nullable Double bandwidth) {
    Rate decode = series.rate(Measured::decodeRate);
    Measured last = series.rounds.isEmpty() ? null : series.rounds.get(series.rounds.size() - 1);
    Long bytes = last == null ? null : last.bytesPerToken();
    Double ratio = decode == null || base == null ? null : decode.median() / base.median();
    Double fraction =
        decode == null || bytes == null || bandwidth == null
            ? null
            : decode.median() * bytes / bandwidth;
    return new Row(
        series.contender.label(),
        series.contender.keep(),
        last == null ? null : last.version(),
        series.contender.command(trial),
        series.rate(Measured::promptRate),
        decode,
        series.rounds.stream().map(Measured::decodeRate).toList(),
        ratio,
        bytes,
        fraction,
        series.failure);
  }

  /** A table for each dtype, and what failed. */
  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%s with %s, %s of %s; medians of %s, %s.%n",
            shape,
            count(layers, "layer"),
            count(threads, "thread"),
            machine.processor(),
            count(rounds, "interleaved round"),
            date));
    for (Model model : models) {
      text.append('\n').append(model.dtype());
      if (model.bandwidth() != null) {
        text.append(
            String.format(Locale.ROOT, "; read bandwidth %.1f GB/s", model.bandwidth() * 1e-9));
      }
      text.append("\n\n").append(table(model));
      Set<String> failures = new LinkedHashSet<>();
      for (Row row : model.rows()) {
        if (row.failure() != null) {
          failures.add(row.failure());
        }
      }
      failures.forEach(failure -> text.append('\n').append(failure).append('\n'));
    }
    return text.toString();
  }

  private MarkdownTable table(Model model) {
    MarkdownTable table =
        new MarkdownTable(
            List.of(
                "engine",
                "neurons",
                "pp" + promptTokens + " tokens/s",
                "tg" + tokens + " tokens/s",
                "min to max",
                "ratio to " + Objects.requireNonNullElse(model.baseline(), "-"),
                "MB/token",
                "of bandwidth"));
    for (Row row : model.rows()) {
      Rate decode = row.decodeTokensPerSecond();
      Rate prompt = row.promptTokensPerSecond();
      table.row(
          List.of(
              row.engine(),
              row.keep() == null ? "-" : percent(row.keep()),
              prompt == null ? "-" : number("%.1f", prompt.median()),
              decode == null ? "failed" : number("%.2f", decode.median()),
              decode == null
                  ? "-"
                  : number("%.2f", decode.min()) + " to " + number("%.2f", decode.max()),
              number("%.2f", row.ratio()),
              row.bytesPerToken() == null ? "-" : number("%.0f", row.bytesPerToken() * 1e-6),
              row.bandwidthFraction() == null ? "-" : percent(row.bandwidthFraction())));
    }
    return table;
  }

  /** A number and what is counted. */
  static String count(int number, String thing) {
    return number + " " + thing + (number == 1 ? "" : "s");
  }

  private static String percent(double fraction) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * fraction);
  }

  private static String number(String format, @Nullable Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, format, value);
  }
}
