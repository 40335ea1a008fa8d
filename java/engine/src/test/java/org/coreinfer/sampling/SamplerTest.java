package org.coreinfer.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.coreinfer.error.CoreInferException;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final SamplingOptions WARM = SamplingOptions.GREEDY.withTemperature(1);

  private static FloatBuffer logits(double... probabilities) {
    FloatBuffer buffer = FloatBuffer.allocate(probabilities.length);
    for (double p : probabilities) {
      buffer.put((float) Math.log(p));
    }
    return buffer.rewind();
  }

  private static double[] frequencies(SamplingOptions options, FloatBuffer logits, int draws) {
    HostSampler sampler = new HostSampler(options);
    double[] counts = new double[logits.limit()];
    for (int i = 0; i < draws; i++) {
      counts[sampler.sample(logits)] += 1.0 / draws;
    }
    return counts;
  }

  @Test
  void greedyTakesTheLowerOfEqualLogits() {
    assertEquals(1, new HostSampler(SamplingOptions.GREEDY).sample(logits(0.1, 0.4, 0.4, 0.1)));
  }

  @Test
  void drawsFollowTheDistribution() {
    double[] wanted = {0.5, 0.3, 0.15, 0.05};
    assertArrayEquals(wanted, frequencies(WARM.withSeed(7), logits(wanted), 200_000), 0.005);
  }

  @Test
  void temperatureSharpensTheDistribution() {
    double[] drawn =
        frequencies(WARM.withTemperature(0.5).withSeed(3), logits(0.6, 0.3, 0.1), 200_000);
    double total = 0.36 + 0.09 + 0.01;
    assertArrayEquals(new double[] {0.36 / total, 0.09 / total, 0.01 / total}, drawn, 0.005);
  }

  @Test
  void topKTopPAndMinPLeaveOnlyTheLikelyTokens() {
    FloatBuffer logits = logits(0.1, 0.4, 0.2, 0.3);
    assertArrayEquals(
        new double[] {0, 4 / 7.0, 0, 3 / 7.0},
        frequencies(WARM.withTopK(2), logits, 100_000),
        0.01);
    assertArrayEquals(
        new double[] {0, 4 / 9.0, 2 / 9.0, 3 / 9.0},
        frequencies(WARM.withTopP(0.75), logits, 100_000),
        0.01);
    assertArrayEquals(
        new double[] {0, 4 / 7.0, 0, 3 / 7.0},
        frequencies(WARM.withMinP(0.6), logits, 100_000),
        0.01);
  }

  @Test
  void minPHoldsRelativeToTheMostLikelyToken() {
    double[] drawn = frequencies(WARM.withMinP(0.9), logits(0.5, 0.3, 0.2), 1000);
    assertArrayEquals(new double[] {1, 0, 0}, drawn, 1e-9);
  }

  @Test
  void theSameSeedDrawsTheSameTokens() {
    FloatBuffer logits = FloatBuffer.allocate(1000);
    Random random = new Random(1);
    IntStream.range(0, 1000).forEach(i -> logits.put(i, (float) random.nextGaussian()));
    HostSampler one = new HostSampler(WARM.withSeed(5));
    HostSampler other = new HostSampler(WARM.withSeed(5));
    for (int i = 0; i < 100; i++) {
      assertEquals(one.sample(logits), other.sample(logits));
    }
  }

  @Test
  void repeatedTokensBecomeLessLikely() {
    HostSampler sampler = new HostSampler(SamplingOptions.GREEDY.withRepeatPenalty(2));
    FloatBuffer logits = FloatBuffer.wrap(new float[] {3, 2, -1});
    assertEquals(0, sampler.sample(logits));
    sampler.accept(0);
    assertEquals(1, sampler.sample(logits)); // 3 / 2 < 2
    sampler.accept(1);
    sampler.accept(0);
    assertEquals(0, sampler.sample(logits)); // a token counts once, however often it came
  }

  @Test
  void brokenLogitsAreAClearFailure() {
    FloatBuffer broken = FloatBuffer.wrap(new float[] {Float.NaN, Float.NaN});
    assertThrows(CoreInferException.class, () -> new HostSampler(WARM).sample(broken));
    FloatBuffer partly = FloatBuffer.wrap(new float[] {Float.NaN, 1, Float.NEGATIVE_INFINITY});
    assertEquals(1, new HostSampler(WARM).sample(partly));
    FloatBuffer infinite = FloatBuffer.wrap(new float[] {1, Float.POSITIVE_INFINITY});
    assertEquals(1, new HostSampler(WARM).sample(infinite));
  }

  @Test
  void optionsOutOfRangeAreNamed() {
    assertMessage("temperature", () -> WARM.withTemperature(-1));
    assertMessage("temperature", () -> WARM.withTemperature(Double.NaN));
    assertMessage("top-p", () -> WARM.withTopP(0));
    assertMessage("min-p", () -> WARM.withMinP(1));
    assertMessage("top-k", () -> WARM.withTopK(-1));
    assertMessage("repeat penalty", () -> WARM.withRepeatPenalty(0));
  }

  private static void assertMessage(String part, Runnable construct) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, construct::run);
    assertTrue(String.valueOf(e.getMessage()).contains(part), e.getMessage());
  }

  @Test
  void penaltiesCountTheAnswersTokensOnly() {
    FloatBuffer logits = FloatBuffer.wrap(new float[] {3, 2.6f, 2, 0});
    HostSampler frequency = new HostSampler(SamplingOptions.GREEDY.withFrequencyPenalty(0.5));
    frequency.accept(0); // of the prompt, which does not count
    // After each draw 0.5 less: 3, 2.6 and 2.5 are drawn, then 2.1, 2, 2, and so on.
    int[] drawn = IntStream.range(0, 7).map(i -> frequency.sample(logits)).toArray();
    assertArrayEquals(new int[] {0, 1, 0, 1, 0, 2, 1}, drawn);
    HostSampler presence = new HostSampler(SamplingOptions.GREEDY.withPresencePenalty(1.5));
    drawn = IntStream.range(0, 5).map(i -> presence.sample(logits)).toArray();
    assertArrayEquals(new int[] {0, 1, 2, 0, 0}, drawn);
    HostSampler reward = new HostSampler(SamplingOptions.GREEDY.withFrequencyPenalty(-2));
    drawn = IntStream.range(0, 3).map(i -> reward.sample(logits)).toArray();
    assertArrayEquals(new int[] {0, 0, 0}, drawn);
  }

  @Test
  void penaltiesForgetWhatIsRewound() {
    FloatBuffer logits = FloatBuffer.wrap(new float[] {3, 2.6f});
    HostSampler sampler = new HostSampler(SamplingOptions.GREEDY.withPresencePenalty(1));
    sampler.mark();
    assertEquals(0, sampler.sample(logits));
    sampler.rewind();
    assertEquals(0, sampler.sample(logits));
    sampler.mark();
    assertEquals(1, sampler.sample(logits));
    sampler.rewind();
    assertEquals(1, sampler.sample(logits));
  }

  @Test
  void aBiasIsAddedBeforeAnythingElse() {
    FloatBuffer logits = FloatBuffer.wrap(new float[] {1, 2, 3});
    SamplingOptions biased = SamplingOptions.GREEDY.withLogitBias(Map.of(0, 2.5, 2, -100.0));
    assertEquals(0, new HostSampler(biased).sample(logits));
    HostSampler repeating = new HostSampler(biased.withRepeatPenalty(2));
    repeating.accept(0); // so that of 3.5 half is left
    assertEquals(1, repeating.sample(logits));
    double[] wanted = {0.5, 0.25, 0.25};
    SamplingOptions even = WARM.withSeed(5).withLogitBias(Map.of(0, Math.log(2)));
    assertArrayEquals(wanted, frequencies(even, logits(0.2, 0.2, 0.2), 100_000), 0.01);
  }

  @Test
  void adjustmentsOutOfRangeAreRefused() {
    SamplingOptions greedy = SamplingOptions.GREEDY;
    for (double value : new double[] {2.1, -2.1, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> greedy.withFrequencyPenalty(value));
      assertThrows(IllegalArgumentException.class, () -> greedy.withPresencePenalty(value));
    }
    for (Map<Integer, Double> bias :
        List.of(Map.of(1, 100.5), Map.of(1, Double.NaN), Map.of(-1, 1.0))) {
      assertThrows(IllegalArgumentException.class, () -> greedy.withLogitBias(bias));
    }
    Adjustments far = greedy.withLogitBias(Map.of(50, 1.0)).adjustments();
    far.requireSuits(51);
    assertThrows(IllegalArgumentException.class, () -> far.requireSuits(50));
  }
}
