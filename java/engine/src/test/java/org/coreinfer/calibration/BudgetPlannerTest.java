package org.coreinfer.calibration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BudgetPlannerTest {
  private static final int LAYERS = 4;
  private static final int NEURONS = 200;
  private static final List<Double> KEEPS = List.of(0.1, 0.25, 0.5, 0.75, 1.0);
  private static final double TOLERANCE = 1e-6;

  /** Random costs, each layer's times its factor. */
  private static float[][] costs(Random random, double... factors) {
    float[][] costs = new float[LAYERS][NEURONS];
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int i = 0; i < NEURONS; i++) {
        costs[layer][i] = (float) (factors[layer] * random.nextDouble());
      }
    }
    return costs;
  }

  private static double mean(float[] shares) {
    double sum = 0;
    for (float share : shares) {
      sum += share;
    }
    return sum / shares.length;
  }

  @Test
  void theSharesOfAllLayersAreTheKeepOnAverage() {
    BudgetPlanner planner = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    Random random = new Random(1);
    for (int document = 0; document < 5; document++) {
      planner.add(costs(random, 1, 3, 0.2, 10));
    }
    float[][] shares = planner.shares();
    for (int k = 0; k < shares.length; k++) {
      assertEquals(KEEPS.get(k), mean(shares[k]), TOLERANCE);
    }
    assertArrayEquals(new float[] {1, 1, 1, 1}, shares[KEEPS.size() - 1]);
  }

  @Test
  void aCostlierLayerGetsMore() {
    BudgetPlanner planner = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    planner.add(costs(new Random(2), 1, 2, 4, 8));
    float[] shares = planner.shares()[KEEPS.indexOf(0.75)];
    for (int layer = 1; layer < LAYERS; layer++) {
      assertTrue(shares[layer] > shares[layer - 1], Arrays.toString(shares));
    }
  }

  @Test
  void sharesGrowWithTheKeep() {
    BudgetPlanner planner = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    planner.add(costs(new Random(3), 1, 1, 2, 5));
    float[][] shares = planner.shares();
    for (int k = 1; k < shares.length; k++) {
      for (int layer = 0; layer < LAYERS; layer++) {
        assertTrue(shares[k][layer] >= shares[k - 1][layer]);
      }
    }
  }

  @Test
  void noLayerIsLeftWithoutNeurons() {
    BudgetPlanner planner = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    planner.add(costs(new Random(4), 1e-20, 1, 1, 1));
    assertEquals(0.02, planner.shares()[0][0], TOLERANCE);
  }

  @Test
  void aLayerWhoseNeuronsMostlyCostNothingGetsNoMoreThanTheFloorForThem() {
    BudgetPlanner planner = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    float[][] costs = costs(new Random(5), 1, 1, 1, 1);
    Arrays.fill(costs[0], 0);
    costs[0][17] = 5;
    planner.add(costs);
    float[][] shares = planner.shares();
    assertEquals(0.02, shares[0][0], TOLERANCE);
    assertEquals(0.02, shares[2][0], TOLERANCE);
    assertEquals(0.1, mean(shares[0]), TOLERANCE);
  }

  @Test
  void aLayerWhoseNeuronsCostAllTheSameGetsWhatTheyCost() {
    BudgetPlanner planner = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    float[][] costs = costs(new Random(6), 1, 1, 1, 1);
    Arrays.fill(costs[1], 1e-6f);
    planner.add(costs);
    assertEquals(0.02, planner.shares()[1][1], TOLERANCE);
  }

  @Test
  void documentsAreAveraged() {
    float[][] first = costs(new Random(7), 1, 2, 3, 4);
    float[][] second = costs(new Random(8), 4, 3, 2, 1);
    BudgetPlanner both = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    BudgetPlanner one = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    BudgetPlanner other = new BudgetPlanner(LAYERS, NEURONS, KEEPS);
    both.add(first);
    both.add(second);
    one.add(first);
    other.add(second);
    for (int k = 0; k < KEEPS.size(); k++) {
      for (int layer = 0; layer < LAYERS; layer++) {
        double expected = (one.shares()[k][layer] + other.shares()[k][layer]) / 2;
        assertEquals(expected, both.shares()[k][layer], TOLERANCE);
      }
    }
  }

  @Test
  void equalBudgetsAreTheKeepItself() {
    float[][] shares = BudgetPlanner.uniform(2, List.of(0.25, 1.0));
    assertArrayEquals(new float[] {0.25f, 0.25f}, shares[0]);
    assertArrayEquals(new float[] {1, 1}, shares[1]);
  }
}
