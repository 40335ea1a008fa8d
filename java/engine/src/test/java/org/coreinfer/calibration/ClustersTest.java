package org.coreinfer.calibration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClustersTest {
  private static final int NEURONS = 40;

  /** Document i is of group i % groups, whose own neurons are active beside some noise. */
  private static List<float[]> planted(int documents, int groups) {
    Random random = new Random(3);
    List<float[]> features = new ArrayList<>();
    for (int document = 0; document < documents; document++) {
      float[] values = new float[NEURONS];
      float length = 0.1f + 10 * random.nextFloat();
      for (int i = 0; i < NEURONS; i++) {
        float own = i % groups == document % groups ? 1 : 0.1f;
        values[i] = length * (own + 0.05f * random.nextFloat());
      }
      features.add(values);
    }
    return features;
  }

  private static List<List<Integer>> groups(int documents, int groups) {
    return IntStream.range(0, groups)
        .mapToObj(
            group ->
                IntStream.range(0, documents).filter(i -> i % groups == group).boxed().toList())
        .toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5})
  void theElbowRuleFindsThePlantedGroups(int groups) {
    Clusters clusters = new Clusters(planted(96, groups), 0);
    assertEquals(groups(96, groups), clusters.of(0));
    assertEquals(groups(96, groups), clusters.of(groups));
  }

  @Test
  void everyDocumentIsInOneCluster() {
    Clusters clusters = new Clusters(planted(30, 3), 7);
    for (int count = 1; count <= 40; count++) {
      List<List<Integer>> found = clusters.of(count);
      assertTrue(found.size() <= Math.min(count, 30));
      assertTrue(found.stream().noneMatch(List::isEmpty));
      assertEquals(
          IntStream.range(0, 30).boxed().toList(),
          found.stream().flatMap(List::stream).sorted().toList());
    }
  }

  @Test
  void theSameSeedGivesTheSameClusters() {
    List<float[]> features = new ArrayList<>();
    Random random = new Random(8);
    for (int document = 0; document < 50; document++) {
      float[] values = new float[NEURONS];
      for (int i = 0; i < NEURONS; i++) {
        values[i] = random.nextFloat();
      }
      features.add(values);
    }
    List<List<Integer>> first = new Clusters(features, 1).of(6);
    assertEquals(first, new Clusters(features, 1).of(6));
    Clusters used = new Clusters(features, 1);
    used.of(0);
    assertEquals(first, used.of(6));
  }

  @Test
  void oneDocumentIsOneCluster() {
    Clusters clusters = new Clusters(planted(1, 1), 0);
    for (int count : new int[] {0, 1, 2, 9}) {
      assertEquals(List.of(List.of(0)), clusters.of(count));
    }
    assertEquals(1, clusters.most());
  }

  @Test
  void documentsThatAreAlikeOrSilentDoNotHarm() {
    List<float[]> same = new ArrayList<>();
    for (int document = 0; document < 24; document++) {
      same.add(new float[NEURONS]);
    }
    for (int count : new int[] {0, 1, 3, 24}) {
      assertEquals(
          24, new Clusters(same, 0).of(count).stream().mapToInt(List::size).sum(), "of " + count);
    }
  }

  @Test
  void clustersHaveEightDocumentsOrMoreOnAverage() {
    assertEquals(1, new Clusters(planted(15, 3), 0).most());
    assertEquals(2, new Clusters(planted(16, 3), 0).most());
    assertEquals(48, new Clusters(planted(1000, 3), 0).most());
  }

  @Test
  void theElbowIsFarthestBelowTheLine() {
    assertEquals(2, Clusters.elbow(new double[] {10, 6, 1, 0.8, 0.5, 0.2}));
    assertEquals(1, Clusters.elbow(new double[] {10, 1, 0}));
    assertEquals(0, Clusters.elbow(new double[] {3, 2, 1, 0}));
    assertEquals(0, Clusters.elbow(new double[] {4, 3.5, 2, 0}));
    assertEquals(0, Clusters.elbow(new double[] {4, 1}));
    assertEquals(0, Clusters.elbow(new double[] {4}));
  }
}
