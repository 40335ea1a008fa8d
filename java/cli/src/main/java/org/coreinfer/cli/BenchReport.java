package org.coreinfer.cli;

import java.util.List;
import java.util.Locale;
import org.coreinfer.evaluation.Rate;
import org.coreinfer.evaluation.SpeedTest;
import org.jspecify.annotations.Nullable;

/** What {@code bench} prints. */
final class BenchReport {
  private static final List<String> HEADS =
      List.of(
          "model",
          "dtype",
          "backend",
          "threads",
          "method",
          "keep",
          "test",
          "tokens/s",
          "min",
          "max",
          "MB/token",
          "of bandwidth");

  /** How results are written. */
  enum Format {
    MD,
    CSV,
    JSON;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Where it was measured.
   *
   * @param dtype of most weights
   * @param activationBits what the CPU keeps of an activation; null elsewhere
   * @param depth tokens before decoded ones
   * @param bandwidth bytes per second that the device reads; null if unknown
   */
  record Setting(
      String model,
      String dtype,
      String backend,
      int threads,
      @Nullable Integer activationBits,
      int depth,
      @Nullable Double bandwidth) {}

  /** One line of the result. */
  record Entry(
      String test,
      String model,
      String method,
      String rule,
      double keep,
      String backend,
      int threads,
      @Nullable Integer activationBits,
      String dtype,
      int depth,
      Rate tokensPerSecond,
      @Nullable Long bytesPerToken,
      @Nullable Double bandwidthFraction,
      @Nullable Double bandwidth) {}

  private BenchReport() {}

  static String of(Setting setting, List<SpeedTest.Result> results, Format format) {
    List<Entry> entries = results.stream().map(result -> entry(setting, result)).toList();
    if (format == Format.JSON) {
      return Json.of(entries) + "\n";
    }
    MarkdownTable table = new MarkdownTable(HEADS);
    entries.forEach(entry -> table.row(cells(entry)));
    return format == Format.CSV ? table.csv() : table.toString();
  }

  private static Entry entry(Setting setting, SpeedTest.Result result) {
    boolean isPrompt = result.kind() == SpeedTest.Kind.PROMPT;
    Long bytes = result.bytesPerToken();
    Double bandwidth = setting.bandwidth();
    Double fraction =
        bytes == null || bandwidth == null ? null : bytes * result.rate().median() / bandwidth;
    return new Entry(
        (isPrompt ? "pp" : "tg") + result.tokens(),
        setting.model(),
        EvalReport.method(result.options()),
        result.options().rule(),
        result.options().keep(),
        setting.backend(),
        setting.threads(),
        setting.activationBits(),
        setting.dtype(),
        setting.depth(),
        result.rate(),
        bytes,
        fraction,
        bandwidth);
  }

  private static List<String> cells(Entry entry) {
    Long bytes = entry.bytesPerToken();
    Double fraction = entry.bandwidthFraction();
    return List.of(
        entry.model(),
        entry.dtype(),
        entry.backend(),
        Integer.toString(entry.threads()),
        entry.method(),
        String.format(Locale.ROOT, "%.3g", entry.keep()).replaceFirst("\\.?0+$", ""),
        entry.test() + (entry.depth() > 0 && bytes != null ? " @ d" + entry.depth() : ""),
        rate(entry.tokensPerSecond().median()),
        rate(entry.tokensPerSecond().min()),
        rate(entry.tokensPerSecond().max()),
        bytes == null ? "-" : String.format(Locale.ROOT, "%.1f", bytes * 1e-6),
        fraction == null ? "-" : String.format(Locale.ROOT, "%.0f %%", 100 * fraction));
  }

  private static String rate(double tokensPerSecond) {
    return String.format(Locale.ROOT, "%.2f", tokensPerSecond);
  }
}
