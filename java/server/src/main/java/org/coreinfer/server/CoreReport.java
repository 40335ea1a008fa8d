package org.coreinfer.server;

import java.util.List;
import java.util.Locale;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Timings;

/** What an answer computed: the {@code coreinfer} part of a response's {@code usage}. */
final class CoreReport {
  private CoreReport() {}

  /**
   * The share of all FFN neurons that decoding computed.
   *
   * @param neurons of each layer of the model
   */
  static double keep(GenerationResult result, int neurons) {
    List<Integer> counts = result.neuronsPerLayer();
    return counts.isEmpty()
        ? result.core().keep()
        : counts.stream().mapToDouble(Integer::intValue).sum() / counts.size() / neurons;
  }

  /**
   * @param neurons as for {@link #keep}
   */
  static JsonOut of(GenerationResult result, int neurons) {
    CoreOptions core = result.core();
    List<Integer> counts = result.neuronsPerLayer();
    JsonOut report =
        new JsonOut()
            .put("method", core.method().name().toLowerCase(Locale.ROOT))
            .put("rule", core.rule())
            .put("alpha", JsonOut.thousandths(core.alpha()))
            .put("keep", JsonOut.thousandths(core.keep()))
            .put("keep_measured", JsonOut.thousandths(keep(result, neurons)))
            .put("neurons", neurons)
            .putNumbers("neurons_per_layer", counts)
            .put("cached_tokens", result.cachedTokens())
            .put("refreshes", result.refreshes().count())
            .put("finish_reason", result.finishReason().label());
    Drafts drafts = result.drafts();
    if (drafts != null) {
      report.put(
          "lossless",
          new JsonOut()
              .put("drafted", drafts.drafted())
              .put("accepted", drafts.accepted())
              .put("acceptance", JsonOut.thousandths(drafts.acceptance()))
              .put("tokens_per_pass", JsonOut.thousandths(drafts.tokensPerPass())));
    }
    return report.put("timings", timings(result.timings()));
  }

  private static JsonOut timings(Timings timings) {
    return new JsonOut()
        .put("prefill_ms", millis(timings.prefillNanos()))
        .put("select_ms", millis(timings.selectNanos()))
        .put("decode_ms", millis(timings.decodeNanos()))
        .put("prefill_tokens_per_second", JsonOut.thousandths(timings.prefillTokensPerSecond()))
        .put("decode_tokens_per_second", JsonOut.thousandths(timings.decodeTokensPerSecond()));
  }

  private static double millis(long nanos) {
    return JsonOut.thousandths(nanos / 1e6);
  }
}
