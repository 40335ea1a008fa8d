package org.coreinfer.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Looking only at the tokens that matter gives what sorting all of them gives. */
class CandidatesTest {
  private static final int DRAWS = 40;

  @ParameterizedTest
  @CsvSource({
    "0, 1, 0",
    "1, 1, 0",
    "2, 1, 0",
    "40, 1, 0",
    "40, 0.9, 0",
    "5000, 1, 0",
    "0, 0.1, 0",
    "0, 0.95, 0",
    "0, 0.9999, 0",
    "0, 1, 0.05",
    "0, 0.99, 0.001",
    "300, 0.97, 0.0001"
  })
  void drawsWhatSortingWouldDraw(int topK, double topP, double minP) {
    Random random = new Random(topK + (long) (1e4 * topP));
    for (int vocabulary : new int[] {1, 2, 13, 300, 4098}) {
      for (double deviation : new double[] {0, 0.3, 3, 400}) {
        float[] logits = new float[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
          // Many equal ones, as in half precision, and some that are no number.
          float drawn = (float) (Math.rint(random.nextGaussian() * 8) / 8 * deviation);
          logits[i] = i > 0 && random.nextInt(50) == 0 ? masked(i) : drawn;
        }
        SamplingOptions options =
            SamplingOptions.GREEDY
                .withTemperature(0.5 + random.nextDouble())
                .withTopK(topK)
                .withTopP(topP)
                .withMinP(minP);
        compare(logits, options, random);
      }
    }
  }

  private static float masked(int i) {
    return i % 2 == 0 ? Float.NaN : Float.NEGATIVE_INFINITY;
  }

  private static void compare(float[] logits, SamplingOptions options, Random random) {
    Candidates candidates = new Candidates(options, Unconstrained.INSTANCE);
    Sorted expected = new Sorted(logits, options);
    for (int i = 0; i < DRAWS; i++) {
      double uniform = i == 0 ? Math.nextDown(1) : random.nextDouble();
      candidates.take(FloatBuffer.wrap(logits), new RecentTokens(options));
      assertEquals(expected.draw(uniform), candidates.draw(uniform), options.toString());
    }
    Distribution distribution = candidates.distribution();
    for (int rank = 0; rank < expected.weights.size(); rank++) {
      double probability = expected.weights.get(rank) / expected.total;
      assertEquals(probability, distribution.probability(expected.tokens.get(rank)));
    }
  }

  /** The definition, without regard to time. */
  private static final class Sorted {
    private final List<Integer> tokens = new ArrayList<>();
    private final List<Double> weights = new ArrayList<>();
    private double total;

    Sorted(float[] logits, SamplingOptions options) {
      double scale = 1 / (double) (float) options.temperature();
      double highest = Double.NEGATIVE_INFINITY;
      for (float logit : logits) {
        highest = Float.isNaN(logit) ? highest : Math.max(highest, logit);
      }
      double all = 0;
      for (int token = 0; token < logits.length; token++) {
        double exponent = (logits[token] - highest) * scale;
        if (exponent > -700) {
          tokens.add(token);
          all += Math.exp(exponent);
        }
      }
      Comparator<Integer> byLogit = Comparator.comparing(token -> -logits[token]);
      tokens.sort(byLogit.thenComparing(Comparator.naturalOrder()));
      int limit = options.topK() > 0 ? Math.min(tokens.size(), options.topK()) : tokens.size();
      boolean isAll = limit == tokens.size();
      double sum = 0;
      for (int token : tokens.subList(0, limit)) {
        double weight = Math.exp((logits[token] - highest) * scale);
        weights.add(weight);
        sum += weight;
      }
      double enough = (float) options.topP() * (isAll ? all : sum);
      int kept = 0;
      for (double seen = 0; kept < limit && (options.topP() == 1 || seen < enough); kept++) {
        seen += weights.get(kept);
      }
      while (kept > 1 && weights.get(kept - 1) < (float) options.minP()) {
        kept--;
      }
      weights.subList(kept, limit).clear();
      boolean isUncut = isAll && options.topP() == 1 && options.minP() == 0;
      total = isUncut ? all : weights.stream().reduce(0.0, Double::sum);
    }

    int draw(double uniform) {
      double point = uniform * total;
      for (int i = 0; i < weights.size() - 1; i++) {
        point -= weights.get(i);
        if (point < 0) {
          return tokens.get(i);
        }
      }
      return tokens.get(weights.size() - 1);
    }
  }
}
