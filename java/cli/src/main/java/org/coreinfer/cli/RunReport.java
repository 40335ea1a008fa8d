package org.coreinfer.cli;

import java.util.List;
import java.util.Locale;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.GenerationResult;
import org.jspecify.annotations.Nullable;

/** What {@code run --json} prints. */
record RunReport(
    String model,
    String backend,
    List<Integer> promptTokens,
    List<Integer> tokens,
    String text,
    String finishReason,
    Core core,
    @Nullable Lossless lossless,
    Times timings) {

  record Core(
      String method,
      String rule,
      double alpha,
      double keep,
      List<Integer> neuronsPerLayer,
      int refreshes,
      double drift) {}

  /** What became of drafts; null where none were made. */
  record Lossless(int drafted, int accepted, double acceptance, int passes, double tokensPerPass) {
    static @Nullable Lossless of(@Nullable Drafts drafts) {
      return drafts == null
          ? null
          : new Lossless(
              drafts.drafted(),
              drafts.accepted(),
              thousandths(drafts.acceptance()),
              drafts.passes(),
              thousandths(drafts.tokensPerPass()));
    }
  }

  record Times(
      double loadMs,
      double prefillMs,
      double selectMs,
      double decodeMs,
      double refreshMs,
      double prefillTokensPerSecond,
      double decodeTokensPerSecond) {}

  static RunReport of(Model model, GenerationResult result) {
    CoreOptions core = result.core();
    return new RunReport(
        model.name(),
        model.backendName(),
        result.promptTokens(),
        result.tokens(),
        result.text(),
        result.finishReason().label(),
        new Core(
            core.method().name().toLowerCase(Locale.ROOT),
            core.rule(),
            core.alpha(),
            core.keep(),
            result.neuronsPerLayer(),
            result.refreshes().count(),
            tenThousandths(result.refreshes().drift())),
        Lossless.of(result.drafts()),
        new Times(
            millis(model.loadNanos()),
            millis(result.timings().prefillNanos()),
            millis(result.timings().selectNanos()),
            millis(result.timings().decodeNanos()),
            millis(result.refreshes().nanos()),
            thousandths(result.timings().prefillTokensPerSecond()),
            thousandths(result.timings().decodeTokensPerSecond())));
  }

  private static double millis(long nanos) {
    return thousandths(nanos / 1e6);
  }

  private static double tenThousandths(double value) {
    return Math.rint(value * 10000) / 10000;
  }

  /** Rounded to three decimals: more is noise. */
  private static double thousandths(double value) {
    return Math.rint(value * 1000) / 1000;
  }
}
