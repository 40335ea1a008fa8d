package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.coreinfer.evaluation.NeuronFrequency.Kind;
import org.junit.jupiter.api.Test;

/** Stability, topics and frequencies of sets that were made by hand. */
class SetBehaviourTest {
  @Test
  void lengthsGrowToTheLongest() {
    assertArrayEquals(new int[] {1}, SetStability.lengths(1));
    assertArrayEquals(new int[] {1, 2, 4, 8, 10}, SetStability.lengths(10));
    for (int longest = 1; longest < 3000; longest += 7) {
      int[] lengths = SetStability.lengths(longest);
      assertEquals(longest, lengths[lengths.length - 1]);
      assertArrayEquals(Arrays.stream(lengths).distinct().sorted().toArray(), lengths);
    }
  }

  @Test
  void stabilityIsTheOverlapWithTheWhole() {
    SetStability stability = new SetStability(new int[] {5, 9});
    assertThrows(IllegalStateException.class, () -> stability.curve(LayerGroup.all(1)));
    stability.add(List.of(Sets.of(10, new int[] {0, 1}), Sets.of(10, new int[] {0, 1})));
    stability.add(List.of(Sets.of(10, new int[] {4, 5}), Sets.of(10, new int[] {0, 5})));
    SetStability.Curve curve = stability.curve(LayerGroup.all(1));
    assertEquals(new SetStability.Point(5, 0.75, 0.5, 1), curve.points().get(0));
    assertEquals(new SetStability.Point(9, 1, 1, 1), curve.points().get(1));
    assertEquals(0.5, curve.others());
    assertEquals(0.2, curve.chance());
    assertThrows(IllegalArgumentException.class, () -> stability.add(List.of()));
  }

  @Test
  void oneTextHasNoOthers() {
    SetStability stability = new SetStability(new int[] {3});
    stability.add(List.of(Sets.of(10, new int[] {0})));
    assertTrue(Double.isNaN(stability.curve(LayerGroup.all(1)).others()));
  }

  @Test
  void layerGroupsCoverEveryLayerOnce() {
    for (int layers = 1; layers < 70; layers++) {
      int next = 0;
      for (LayerGroup group : LayerGroup.of(layers)) {
        assertEquals(next, group.first());
        assertTrue(group.last() >= group.first());
        next = group.last() + 1;
      }
      assertEquals(layers, next);
    }
    assertEquals("layers 0..31", LayerGroup.all(32).toString());
    assertEquals("layer 0", LayerGroup.all(1).toString());
  }

  @Test
  void topicsAreComparedPairByPair() {
    CoreSet a = Sets.of(10, new int[] {0, 1, 2, 3});
    CoreSet b = Sets.of(10, new int[] {0, 1, 2, 4});
    CoreSet c = Sets.of(10, new int[] {0, 7, 8, 9});
    TopicOverlap overlap = TopicOverlap.of(List.of(List.of(a, b), List.of(c)));
    assertEquals(0.75, overlap.means()[0][0]);
    assertEquals(0.25, overlap.means()[0][1]);
    assertEquals(overlap.means()[0][1], overlap.means()[1][0]);
    assertTrue(Double.isNaN(overlap.means()[1][1]));
    assertEquals(0.75, overlap.within());
    assertEquals(0.25, overlap.between());
    assertEquals(0.4, overlap.chance(), 1e-12);
    assertEquals(2.0 / 3, overlap.nearest(), 1e-12);
    assertEquals(1.0 / 3, overlap.nearestByChance(), 1e-12);
    assertThrows(
        IllegalArgumentException.class, () -> TopicOverlap.of(List.of(List.of(a), List.of())));
  }

  @Test
  void topicsThatMeanNothingOverlapByChance() {
    SplittableRandom random = new SplittableRandom(11);
    List<List<CoreSet>> topics = new ArrayList<>();
    for (int topic = 0; topic < 3; topic++) {
      topics.add(IntStream.range(0, 20).mapToObj(i -> Sets.random(3, 128, 32, random)).toList());
    }
    TopicOverlap overlap = TopicOverlap.of(topics);
    assertEquals(0.25, overlap.chance(), 1e-12);
    assertEquals(0.25, overlap.within(), 0.01);
    assertEquals(0.25, overlap.between(), 0.01);
    assertEquals(19.0 / 59, overlap.nearestByChance(), 1e-12);
  }

  @Test
  void neuronsAreSortedByWhereTheyAreCore() {
    CoreSet ofFirst = Sets.of(6, new int[] {1, 3, 5});
    CoreSet ofFirstToo = Sets.of(6, new int[] {3, 5});
    CoreSet ofSecond = Sets.of(6, new int[] {0, 3});
    CoreSet ofSecondToo = Sets.of(6, new int[] {0, 2, 3});
    NeuronFrequency frequency =
        NeuronFrequency.of(
            List.of(List.of(ofFirst, ofFirstToo), List.of(ofSecond, ofSecondToo)), 0);
    assertEquals(Kind.ALWAYS, frequency.kind(3));
    assertEquals(Kind.SPECIFIC, frequency.kind(5));
    assertEquals(0, frequency.topic(5));
    assertEquals(1, frequency.topic(0));
    assertEquals(Kind.NEVER, frequency.kind(4));
    assertEquals(0.5, frequency.share(0, 1));
    assertEquals(0.25, frequency.mean(1));
    assertEquals(2, frequency.specificTo(0));
    assertEquals(2, frequency.specificTo(1));
    assertArrayEquals(new int[] {3, 5, 1, 0, 2, 4}, frequency.sorted());
    int all = Arrays.stream(Kind.values()).mapToInt(frequency::count).sum();
    assertEquals(6, all);
  }

  @Test
  void ofOneTopicNothingIsSpecific() {
    CoreSet a = Sets.of(3, new int[] {0, 1});
    CoreSet b = Sets.of(3, new int[] {0});
    NeuronFrequency frequency = NeuronFrequency.of(List.of(List.of(a, b)), 0);
    assertEquals(0, frequency.count(Kind.SPECIFIC));
    assertEquals(Kind.MIXED, frequency.kind(1));
    assertArrayEquals(new int[] {0, 1, 2}, frequency.sorted());
  }
}
