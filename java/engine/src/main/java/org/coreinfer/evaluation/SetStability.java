package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/**
 * How early a text's core neurons are known: the overlap of the set that its first tokens choose
 * with the set of the whole text (arXiv 2410.18311, section 4.1 and figure 3), over texts of one
 * length. What texts of one model have in common anyway is the overlap with other whole texts.
 */
public final class SetStability {
  private static final double LOW = 10; // percentile
  private static final double HIGH = 90;

  private final int[] lengths;
  private final List<List<CoreSet>> documents = new ArrayList<>();

  /**
   * The overlaps of some layers.
   *
   * @param points one for each length
   * @param others mean overlap with the whole of another text; NaN if there is only one text
   * @param chance overlap to expect of sets that have nothing to do with each other
   */
  public record Curve(LayerGroup layers, List<Point> points, double others, double chance) {}

  /**
   * The overlap after so many tokens.
   *
   * @param mean over texts
   * @param low the tenth percentile
   * @param high the ninetieth
   */
  public record Point(int tokens, double mean, double low, double high) {}

  /**
   * @param lengths ascending numbers of tokens, the last one for whole texts
   */
  public SetStability(int[] lengths) {
    this.lengths = lengths.clone();
  }

  /**
   * Lengths to look at, each about a third larger than the one before.
   *
   * @param longest the last one, at least 1
   */
  public static int[] lengths(int longest) {
    IntStream.Builder lengths = IntStream.builder();
    for (double length = 1; Math.round(length) < longest; length *= length < 8 ? 2 : Math.sqrt(2)) {
      lengths.add((int) Math.round(length));
    }
    return lengths.add(longest).build().toArray();
  }

  /**
   * Adds a text.
   *
   * @param prefixes what its first tokens choose, for each length
   */
  public void add(List<CoreSet> prefixes) {
    if (prefixes.size() != lengths.length) {
      throw new IllegalArgumentException(
          prefixes.size() + " sets for " + lengths.length + " lengths");
    }
    documents.add(List.copyOf(prefixes));
  }

  /** How many texts were added. */
  public int documents() {
    return documents.size();
  }

  /**
   * The overlaps of these layers.
   *
   * @throws IllegalStateException if no text was added
   */
  public Curve curve(LayerGroup layers) {
    if (documents.isEmpty()) {
      throw new IllegalStateException("no text was added");
    }
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      int length = i;
      double[] overlaps =
          documents.stream()
              .mapToDouble(sets -> overlap(layers, sets.get(length), whole(sets)))
              .toArray();
      Percentile percentile = new Percentile();
      percentile.setData(overlaps);
      points.add(
          new Point(
              lengths[i],
              Arrays.stream(overlaps).average().orElseThrow(),
              percentile.evaluate(LOW),
              percentile.evaluate(HIGH)));
    }
    CoreSet any = whole(documents.get(0));
    return new Curve(layers, points, others(layers), layers.mean(layer -> any.chance(any, layer)));
  }

  private static double overlap(LayerGroup layers, CoreSet one, CoreSet other) {
    return layers.mean(layer -> one.overlap(other, layer));
  }

  private double others(LayerGroup layers) {
    double sum = 0;
    int pairs = 0;
    for (int i = 0; i < documents.size(); i++) {
      for (int k = 0; k < i; k++) {
        sum += overlap(layers, whole(documents.get(i)), whole(documents.get(k)));
        pairs++;
      }
    }
    return sum / pairs;
  }

  private static CoreSet whole(List<CoreSet> prefixes) {
    return prefixes.get(prefixes.size() - 1);
  }
}
