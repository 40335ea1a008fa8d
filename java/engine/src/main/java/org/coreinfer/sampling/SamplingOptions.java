package org.coreinfer.sampling;

import java.io.Serializable;
import java.util.Map;

/**
 * How a token is drawn.
 *
 * @param temperature 0 takes the most likely token; otherwise logits are divided by it
 * @param topK only the k most likely tokens; 0 for no limit
 * @param topP only the most likely tokens that together have this probability, in (0, 1]
 * @param minP only tokens at least this likely relative to the most likely one, in [0, 1)
 * @param repeatPenalty above 1 makes tokens that already occurred less likely (arXiv 1909.05858)
 * @param repeatWindow how many of the latest tokens the penalty looks at
 * @param seed of the random numbers; the same seed draws the same tokens
 * @param adjustments what is added to logits
 */
public record SamplingOptions(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repeatPenalty,
    int repeatWindow,
    long seed,
    Adjustments adjustments)
    implements Serializable {

  /** The most likely token, always. */
  public static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, 0, 1, 64, 0);

  public SamplingOptions {
    require(temperature >= 0 && temperature <= 100, "temperature", temperature, "0 to 100");
    require(topK >= 0, "top-k", topK, "0 (no limit) or more");
    require(topP > 0 && topP <= 1, "top-p", topP, "above 0, at most 1");
    require(minP >= 0 && minP < 1, "min-p", minP, "0 or more, below 1");
    require(
        repeatPenalty > 0 && repeatPenalty <= 100, "repeat penalty", repeatPenalty, "1 for none");
    require(repeatWindow >= 0, "repeat window", repeatWindow, "0 or more");
  }

  /** Options without adjustments. */
  public SamplingOptions(
      double temperature,
      int topK,
      double topP,
      double minP,
      double repeatPenalty,
      int repeatWindow,
      long seed) {
    this(temperature, topK, topP, minP, repeatPenalty, repeatWindow, seed, Adjustments.NONE);
  }

  private static void require(boolean holds, String name, Number value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + "=" + value + ": expected " + expected);
    }
  }

  /** Whether the most likely token is taken, without a random number. */
  public boolean isGreedy() {
    return (float) temperature == 0 || topK == 1;
  }

  public SamplingOptions withTemperature(double value) {
    return new SamplingOptions(
        value, topK, topP, minP, repeatPenalty, repeatWindow, seed, adjustments);
  }

  public SamplingOptions withTopK(int value) {
    return new SamplingOptions(
        temperature, value, topP, minP, repeatPenalty, repeatWindow, seed, adjustments);
  }

  public SamplingOptions withTopP(double value) {
    return new SamplingOptions(
        temperature, topK, value, minP, repeatPenalty, repeatWindow, seed, adjustments);
  }

  public SamplingOptions withMinP(double value) {
    return new SamplingOptions(
        temperature, topK, topP, value, repeatPenalty, repeatWindow, seed, adjustments);
  }

  public SamplingOptions withRepeatPenalty(double value) {
    return new SamplingOptions(
        temperature, topK, topP, minP, value, repeatWindow, seed, adjustments);
  }

  public SamplingOptions withSeed(long value) {
    return new SamplingOptions(
        temperature, topK, topP, minP, repeatPenalty, repeatWindow, value, adjustments);
  }

  public SamplingOptions withAdjustments(Adjustments value) {
    return new SamplingOptions(
        temperature, topK, topP, minP, repeatPenalty, repeatWindow, seed, value);
  }

  /** As {@link Adjustments#frequencyPenalty}. */
  public SamplingOptions withFrequencyPenalty(double value) {
    return withAdjustments(
        new Adjustments(value, adjustments.presencePenalty(), adjustments.bias()));
  }

  /** As {@link Adjustments#presencePenalty}. */
  public SamplingOptions withPresencePenalty(double value) {
    return withAdjustments(
        new Adjustments(adjustments.frequencyPenalty(), value, adjustments.bias()));
  }

  /** As {@link Adjustments#bias}. */
  public SamplingOptions withLogitBias(Map<Integer, Double> value) {
    return withAdjustments(
        new Adjustments(adjustments.frequencyPenalty(), adjustments.presencePenalty(), value));
  }
}
