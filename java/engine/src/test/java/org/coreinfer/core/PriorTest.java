package org.coreinfer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PriorTest {
  private static final int NEURONS = 8;
  private static final float[] LOW = {4, 4, 4, 4, 0, 0, 0, 0};
  private static final float[] HIGH = {0, 0, 0, 0, 9, 9, 9, 9};

  private static Prior prior(int layers) {
    return new Prior(PlantedCalibration.of(PlantedCalibration.halves(layers, NEURONS)));
  }

  @Test
  void findsTheClusterWhosePatternThePromptHas() {
    Prior prior = prior(1);
    prior.see(LOW);
    assertEquals(0, prior.cluster());
    prior.reset();
    prior.see(HIGH);
    assertEquals(1, prior.cluster());
  }

  @Test
  void theLengthOfAPromptDoesNotMoveItsCluster() {
    for (float factor : new float[] {1e-6f, 1, 1e6f}) {
      float[] scores = new float[NEURONS];
      for (int i = 0; i < NEURONS; i++) {
        scores[i] = factor * (i == 0 ? 1 : HIGH[i]);
      }
      Prior prior = prior(1);
      prior.see(scores);
      assertEquals(1, prior.cluster());
    }
  }

  @Test
  void layersVote() {
    Prior prior = prior(3);
    prior.see(LOW);
    assertEquals(0, prior.cluster());
    prior.see(HIGH);
    prior.see(HIGH);
    assertEquals(1, prior.cluster());
    assertEquals(3, prior.seenLayers());
  }

  @Test
  void aPromptWithoutEvidenceHasTheFirstCluster() {
    Prior prior = prior(1);
    assertEquals(0, prior.cluster());
    prior.see(new float[NEURONS]);
    assertEquals(0, prior.cluster());
    assertEquals(1, prior.seenLayers());
  }

  @Test
  void aLayerThatAClusterNeverUsedSpeaksAgainstIt() {
    float[][][] roots = PlantedCalibration.halves(1, NEURONS);
    roots[0][0] = new float[NEURONS];
    Prior prior = new Prior(PlantedCalibration.of(roots));
    prior.see(LOW);
    assertEquals(1, prior.cluster());
  }

  @Test
  void scoresAreThoseOfSoManyTokensOfTheCluster() {
    Prior prior = prior(1);
    prior.see(HIGH);
    float low = 0.125f * 0.125f;
    float high = 0.5f * 0.5f;
    float[] one = {low, low, low, low, high, high, high, high};
    assertArrayEquals(one, prior.scores(0, 1));
    float[] hundred = new float[NEURONS];
    for (int i = 0; i < NEURONS; i++) {
      hundred[i] = 100 * one[i];
    }
    assertArrayEquals(hundred, prior.scores(0, 100), 1e-6f);
  }
}
