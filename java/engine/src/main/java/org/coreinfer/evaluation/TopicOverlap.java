package org.coreinfer.evaluation;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Whether texts of one topic have more core neurons in common than texts of different ones (arXiv
 * 2410.18311, section 4.2): the mean overlap of all pairs of different texts.
 *
 * @param means (topics, topics), symmetric; NaN of a topic with itself if it is one text
 * @param within mean over pairs of one topic; NaN if there are none
 * @param between mean over pairs of different topics; NaN if there are none
 * @param chance overlap to expect of sets that have nothing to do with each other
 * @param nearest share of texts whose largest overlap is with a text of their own topic
 * @param nearestByChance the same if overlaps said nothing of topics
 */
public record TopicOverlap(
    double[][] means,
    double within,
    double between,
    double chance,
    double nearest,
    double nearestByChance) {

  /** A text and its topic. */
  private record Text(int topic, CoreSet set) {}

  /**
   * Compares the texts of some topics.
   *
   * @param topics the texts' sets, at least two in all
   */
  public static TopicOverlap of(List<List<CoreSet>> topics) {
    Text[] texts =
        IntStream.range(0, topics.size())
            .boxed()
            .flatMap(topic -> topics.get(topic).stream().map(set -> new Text(topic, set)))
            .toArray(Text[]::new);
    if (texts.length < 2) {
      throw new IllegalArgumentException(texts.length + " texts: expected two or more");
    }
    double[][] sums = new double[topics.size()][topics.size()];
    double[][] pairs = new double[topics.size()][topics.size()];
    double[] largest = new double[texts.length];
    int[] nearest = new int[texts.length];
    double chance = 0;
    for (int i = 0; i < texts.length; i++) {
      for (int k = 0; k < i; k++) {
        double overlap = texts[i].set().overlap(texts[k].set());
        add(sums, texts[i], texts[k], overlap);
        add(pairs, texts[i], texts[k], 1);
        chance += texts[i].set().chance(texts[k].set());
        see(largest, nearest, i, texts[k].topic(), overlap);
        see(largest, nearest, k, texts[i].topic(), overlap);
      }
    }
    double count = texts.length * (texts.length - 1) / 2.0;
    return new TopicOverlap(
        quotients(sums, pairs),
        ratio(sums, pairs, true),
        ratio(sums, pairs, false),
        chance / count,
        hits(texts, nearest),
        2 * diagonal(pairs) / (texts.length * (texts.length - 1.0)));
  }

  private static void add(double[][] sums, Text one, Text other, double value) {
    sums[one.topic()][other.topic()] += value;
    if (one.topic() != other.topic()) {
      sums[other.topic()][one.topic()] += value;
    }
  }

  private static void see(double[] largest, int[] nearest, int text, int topic, double overlap) {
    if (overlap > largest[text]) {
      largest[text] = overlap;
      nearest[text] = topic;
    }
  }

  private static double[][] quotients(double[][] sums, double[][] pairs) {
    double[][] means = new double[sums.length][sums.length];
    for (int i = 0; i < means.length; i++) {
      for (int k = 0; k < means.length; k++) {
        means[i][k] = sums[i][k] / pairs[i][k];
      }
    }
    return means;
  }

  private static double diagonal(double[][] values) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += values[i][i];
    }
    return sum;
  }

  private static double ratio(double[][] sums, double[][] pairs, boolean isWithin) {
    return isWithin
        ? diagonal(sums) / diagonal(pairs)
        : (total(sums) - diagonal(sums)) / (total(pairs) - diagonal(pairs));
  }

  private static double total(double[][] values) {
    return Arrays.stream(values).flatMapToDouble(Arrays::stream).sum();
  }

  private static double hits(Text[] texts, int[] nearest) {
    double hits = 0;
    for (int i = 0; i < texts.length; i++) {
      hits += texts[i].topic() == nearest[i] ? 1 : 0;
    }
    return hits / texts.length;
  }
}
