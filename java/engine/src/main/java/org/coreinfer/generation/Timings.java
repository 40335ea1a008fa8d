package org.coreinfer.generation;

/**
 * Where an answer's time went, in nanoseconds.
 *
 * @param promptTokens tokens that prefill read
 * @param prefillNanos without scoring
 * @param selectNanos scoring neurons during prefill, and choosing
 * @param decodeSteps tokens that decode computed
 * @param decodeNanos with the draw of the token after
 */
public record Timings(
    int promptTokens, long prefillNanos, long selectNanos, int decodeSteps, long decodeNanos) {

  public double prefillTokensPerSecond() {
    return rate(promptTokens, prefillNanos);
  }

  public double decodeTokensPerSecond() {
    return rate(decodeSteps, decodeNanos);
  }

  private static double rate(int count, long nanos) {
    return nanos == 0 ? 0 : count * 1e9 / nanos;
  }
}
