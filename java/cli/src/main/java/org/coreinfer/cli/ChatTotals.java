package org.coreinfer.cli;

import java.util.Locale;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Timings;

/** What the answers of a conversation took. */
final class ChatTotals {
  private int answers;
  private long read;
  private long reused;
  private long written;
  private long prefillNanos;
  private long decodeNanos;
  private long decodeSteps;

  void add(GenerationResult result, int reusedTokens) {
    Timings timings = result.timings();
    answers++;
    read += timings.promptTokens();
    reused += reusedTokens;
    written += result.tokens().size();
    prefillNanos += timings.prefillNanos() + timings.selectNanos();
    decodeNanos += timings.decodeNanos();
    decodeSteps += timings.decodeSteps();
  }

  /** One answer in a line. */
  static String line(GenerationResult result, int reusedTokens) {
    Timings timings = result.timings();
    String neurons =
        result.core().method() == Method.DENSE
            ? "dense"
            : String.format(Locale.ROOT, "keep %.3g", result.core().keep());
    return String.format(
        Locale.ROOT,
        "%d tokens read, %d known; %d written, %.1f tokens/s; %s",
        timings.promptTokens(),
        reusedTokens,
        result.tokens().size(),
        timings.decodeTokensPerSecond(),
        neurons);
  }

  /**
   * All answers.
   *
   * @param position tokens of the context that are in use
   */
  String report(int position, int context) {
    return String.format(
        Locale.ROOT,
        "answers: %d; %d tokens read in %.2f s, %d known from before; %d written, %.1f tokens/s;"
            + " %d of %d tokens of context in use",
        answers,
        read,
        prefillNanos / 1e9,
        reused,
        written,
        decodeNanos == 0 ? 0 : decodeSteps * 1e9 / decodeNanos,
        position,
        context);
  }
}
