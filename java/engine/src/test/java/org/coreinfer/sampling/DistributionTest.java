package org.coreinfer.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.coreinfer.ChiSquare;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The acceptance rule on distributions that are written down. */
class DistributionTest {
  private static final int DRAWS = 200_000;

  private static Distribution of(String probabilities) {
    double[] all =
        IntStream.range(0, probabilities.split(" ", -1).length)
            .mapToDouble(i -> Double.parseDouble(probabilities.split(" ", -1)[i]))
            .toArray();
    int[] tokens = IntStream.range(0, all.length).filter(i -> all[i] > 0).toArray();
    return new Distribution(tokens, IntStream.of(tokens).mapToDouble(i -> all[i]).toArray());
  }

  @ParameterizedTest
  @CsvSource({
    "0.5 0.3 0.2, 0.2 0.3 0.5",
    "0.5 0.3 0.2, 0.5 0.3 0.2",
    "0.7 0.3 0 0, 0 0 0.4 0.6",
    "0 0.25 0.25 0.5, 0.9 0.05 0.05 0",
    "1 0 0, 0.1 0.2 0.7",
    "0.1 0.2 0.7, 1 0 0",
    "0.05 0.15 0.2 0.02 0.28 0.3, 0.3 0.1 0.05 0.5 0.05 0"
  })
  void correctedDraftsAreDistributedAsTheRightOne(String right, String draft) {
    Distribution p = of(right);
    Distribution q = of(draft);
    SplittableRandom random = new SplittableRandom(5);
    int tokens = right.split(" ", -1).length;
    double[] expected = new double[tokens];
    double agreement = 0;
    for (int i = 0; i < tokens; i++) {
      expected[i] = p.probability(i);
      agreement += Math.min(p.probability(i), q.probability(i));
    }
    long[] counts = new long[tokens];
    int kept = 0;
    for (int i = 0; i < DRAWS; i++) {
      int drafted = q.draw(random.nextDouble());
      int token = p.correct(drafted, q, random.nextDouble(), random.nextDouble());
      counts[token]++;
      kept += token == drafted ? 1 : 0;
    }
    ChiSquare.check(counts, expected);
    // As often as two distributions permit: one minus their total variation.
    assertEquals(agreement, (double) kept / DRAWS, 4 * Math.sqrt(0.25 / DRAWS));
  }

  @Test
  void rejectedDraftsAreNeverDrawnAgain() {
    Distribution p = of("0.1 0.9");
    Distribution q = of("0.6 0.4");
    for (double replace = 0; replace < 1; replace += 0.01) {
      assertEquals(1, p.correct(0, q, 0.9, replace));
      assertEquals(0, p.correct(0, q, 0.1, replace));
    }
  }

  @Test
  void distributionsAreWhatTheSamplerDrawsFrom() {
    float[] logits = {1, 2, 0.5f, -3, 2.5f, Float.NEGATIVE_INFINITY, 1.5f};
    SamplingOptions options =
        SamplingOptions.GREEDY
            .withTemperature(0.8)
            .withTopK(5)
            .withTopP(0.95)
            .withMinP(0.05)
            .withRepeatPenalty(1.3);
    RecentTokens recent = new RecentTokens(options);
    recent.accept(4);
    recent.accept(3);
    Candidates candidates = new Candidates(options, Unconstrained.INSTANCE);
    candidates.take(FloatBuffer.wrap(logits), recent);
    Distribution distribution = candidates.distribution();
    SplittableRandom random = new SplittableRandom(6);
    double[] expected = new double[logits.length];
    long[] counts = new long[logits.length];
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      expected[i] = distribution.probability(i);
      sum += expected[i];
    }
    assertEquals(1, sum, 1e-12);
    for (int i = 0; i < 5000; i++) {
      double uniform = random.nextDouble();
      int token = candidates.draw(uniform);
      assertEquals(token, distribution.draw(uniform));
      counts[token]++;
    }
    ChiSquare.check(counts, expected);
    assertEquals(0, distribution.probability(5));
    assertTrue(distribution.probability(1) > distribution.probability(4));
  }

  @Test
  void infiniteLogitsAreDrawnForCertain() {
    SamplingOptions options = SamplingOptions.GREEDY.withTemperature(1);
    Candidates candidates = new Candidates(options, Unconstrained.INSTANCE);
    float[] logits = {1, Float.POSITIVE_INFINITY, 3};
    candidates.take(FloatBuffer.wrap(logits), new RecentTokens(options));
    assertEquals(1.0, candidates.distribution().probability(1));
    assertEquals(1, candidates.distribution().draw(0.999));
  }
}
