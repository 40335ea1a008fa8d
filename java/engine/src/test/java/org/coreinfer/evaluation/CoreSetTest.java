package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CoreSetTest {
  private final CoreSet one = Sets.of(200, new int[] {0, 63, 64, 199}, new int[] {1, 2});
  private final CoreSet other = Sets.of(200, new int[] {0, 64, 100, 130}, new int[] {3, 4});

  @Test
  void overlapIsTheShareInCommon() {
    assertEquals(0.5, one.overlap(other, 0));
    assertEquals(0, one.overlap(other, 1));
    assertEquals(0.25, one.overlap(other));
  }

  @Test
  void overlapIsSymmetricAndOneWithItself() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 20; i++) {
      CoreSet a = Sets.random(3, 131, 20 + i, random);
      CoreSet b = Sets.random(3, 131, 40 - i, random);
      assertEquals(a.overlap(b), b.overlap(a));
      assertEquals(a.chance(b), b.chance(a));
      assertEquals(1, a.overlap(a));
    }
  }

  @Test
  void ofUnequalSetsTheLargerCounts() {
    CoreSet small = Sets.of(10, new int[] {1, 2});
    CoreSet large = Sets.of(10, new int[] {1, 2, 3, 4, 5});
    assertEquals(0.4, small.overlap(large));
    assertEquals(0.2, small.chance(large));
  }

  @Test
  void layersThatAreComputedWholeDoNotCount() {
    CoreSet a = Sets.of(10, new int[] {1, 2}, null);
    CoreSet b = Sets.of(10, new int[] {2, 3}, null);
    assertEquals(0.5, a.overlap(b));
    assertEquals(0.2, a.chance(b));
    CoreSet all = Sets.of(10, null, null);
    assertEquals(1, all.overlap(all));
    assertEquals(10, all.count(1));
  }

  @Test
  void setsThatHaveNothingToDoWithEachOtherOverlapByChance() {
    SplittableRandom random = new SplittableRandom(7);
    double sum = 0;
    int pairs = 200;
    for (int i = 0; i < pairs; i++) {
      sum += Sets.random(4, 100, 40, random).overlap(Sets.random(4, 100, 40, random));
    }
    assertEquals(one.chance(other, 0), 4.0 / 200);
    assertEquals(0.4, sum / pairs, 0.01);
  }

  @Test
  void knowsItsNeurons() {
    for (int neuron : new int[] {0, 63, 64, 199}) {
      assertTrue(one.contains(0, neuron));
    }
    for (int neuron : new int[] {1, 62, 65, 128, 198}) {
      assertFalse(one.contains(0, neuron));
    }
  }
}
