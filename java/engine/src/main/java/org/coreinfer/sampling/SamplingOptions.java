package org.coreinfer.sampling;

import java.io.Serializable;

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
 */
public record SamplingOptions(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repeatPenalty,
    int repeatWindow,
    long seed)
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
    return new SamplingOptions(value, topK, topP, minP, repeatPenalty, repeatWindow, seed);
  }

  public SamplingOptions withTopK(int value) {
    return new SamplingOptions(temperature, value, topP, minP, repeatPenalty, repeatWindow, seed);
  }

  public SamplingOptions withTopP(double value) {
    return new SamplingOptions(temperature, topK, value, minP, repeatPenalty, repeatWindow, seed);
  }

  public SamplingOptions withMinP(double value) {
    return new SamplingOptions(temperature, topK, topP, value, repeatPenalty, repeatWindow, seed);
  }

  public SamplingOptions withRepeatPenalty(double value) {
    return new SamplingOptions(temperature, topK, topP, minP, value, repeatWindow, seed);
  }

  public SamplingOptions withSeed(long value) {
    return new SamplingOptions(temperature, topK, topP, minP, repeatPenalty, repeatWindow, value);
  }
}
