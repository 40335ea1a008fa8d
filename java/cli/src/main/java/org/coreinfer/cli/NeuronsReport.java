package org.coreinfer.cli;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.evaluation.LayerGroup;
import org.coreinfer.evaluation.NeuronFrequency;
import org.coreinfer.evaluation.NeuronFrequency.Kind;
import org.coreinfer.evaluation.SetStability;
import org.coreinfer.evaluation.TopicOverlap;
import org.jspecify.annotations.Nullable;

/**
 * What {@code neurons --json} prints.
 *
 * @param overlap null if there is only one document
 */
record NeuronsReport(
    String model,
    String rule,
    double alpha,
    double keep,
    List<Topic> topics,
    Stability stability,
    @Nullable Overlap overlap,
    List<Layer> layers) {
  private static final int STEPS = 10;

  record Topic(String name, int documents, int tokens) {}

  record Stability(int documents, int tokens, List<Curve> curves) {}

  record Curve(LayerGroup layers, List<SetStability.Point> points, double others, double chance) {}

  /**
   * Overlaps of whole documents.
   *
   * @param means (topics, topics)
   */
  record Overlap(
      double within,
      double between,
      double chance,
      double nearest,
      double nearestByChance,
      List<List<Double>> means) {}

  /**
   * How many neurons of a layer are of each kind.
   *
   * @param specificTo (topics)
   * @param histogram neurons that are core in up to a tenth of the documents, up to two tenths, and
   *     so on, the mean of all topics
   */
  record Layer(
      int layer,
      int always,
      int specific,
      int mixed,
      int never,
      List<Integer> specificTo,
      List<Integer> histogram) {}

  static NeuronsReport of(NeuronStudy study) {
    List<SetStability.Curve> curves = study.curves();
    List<SetStability.Point> points = curves.get(0).points();
    return new NeuronsReport(
        study.model(),
        study.options().rule(),
        study.options().alpha(),
        study.options().keep(),
        study.topics().stream()
            .map(topic -> new Topic(topic.name(), topic.sets().size(), topic.tokens()))
            .toList(),
        new Stability(
            study.stability().documents(),
            points.get(points.size() - 1).tokens(),
            curves.stream()
                .map(
                    curve ->
                        new Curve(curve.layers(), curve.points(), curve.others(), curve.chance()))
                .toList()),
        overlap(study.overlap()),
        study.frequencies().stream().map(NeuronsReport::layer).toList());
  }

  private static @Nullable Overlap overlap(@Nullable TopicOverlap overlap) {
    if (overlap == null) {
      return null;
    }
    return new Overlap(
        overlap.within(),
        overlap.between(),
        overlap.chance(),
        overlap.nearest(),
        overlap.nearestByChance(),
        Arrays.stream(overlap.means()).map(row -> Arrays.stream(row).boxed().toList()).toList());
  }

  private static Layer layer(NeuronFrequency frequency) {
    int[] histogram = new int[STEPS];
    for (int neuron = 0; neuron < frequency.neurons(); neuron++) {
      int step = (int) Math.ceil(frequency.mean(neuron) * STEPS - 1e-9) - 1;
      histogram[Math.max(0, step)]++;
    }
    return new Layer(
        frequency.layer(),
        frequency.count(Kind.ALWAYS),
        frequency.count(Kind.SPECIFIC),
        frequency.count(Kind.MIXED),
        frequency.count(Kind.NEVER),
        IntStream.range(0, frequency.topics()).map(frequency::specificTo).boxed().toList(),
        Arrays.stream(histogram).boxed().toList());
  }
}
