package org.coreinfer.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.coreinfer.evaluation.NeuronFrequency;
import org.coreinfer.evaluation.NeuronFrequency.Kind;
import org.coreinfer.evaluation.SetStability;
import org.coreinfer.evaluation.TopicOverlap;

/** What {@code neurons} prints for people. */
final class NeuronsText {
  private NeuronsText() {}

  static String of(NeuronStudy study) {
    String head =
        String.format(
            Locale.ROOT,
            "%s: %d documents of %d %s; rule %s, keep %.3g%n",
            study.model(),
            study.documents(),
            study.topics().size(),
            study.topics().size() == 1 ? "topic" : "topics",
            study.options().rule(),
            study.options().keep());
    return head + "\n" + stability(study) + "\n" + overlap(study) + frequencies(study);
  }

  private static String stability(NeuronStudy study) {
    List<SetStability.Curve> curves = study.curves();
    TextTable table =
        new TextTable(
            Stream.concat(
                    Stream.of("tokens"),
                    IntStream.range(0, curves.size())
                        .mapToObj(i -> i == 0 ? "all layers" : curves.get(i).layers().toString()))
                .toArray(String[]::new));
    List<SetStability.Point> points = curves.get(0).points();
    for (int i = 0; i < points.size(); i++) {
      int point = i;
      row(
          table,
          Integer.toString(points.get(i).tokens()),
          curves.stream().mapToDouble(curve -> curve.points().get(point).mean()));
    }
    row(table, "other text", curves.stream().mapToDouble(SetStability.Curve::others));
    row(table, "chance", curves.stream().mapToDouble(SetStability.Curve::chance));
    return String.format(
            Locale.ROOT,
            "Overlap of the first tokens' core neurons with those of all %d tokens (%d documents):%n",
            points.get(points.size() - 1).tokens(),
            study.stability().documents())
        + table;
  }

  private static void row(TextTable table, String head, DoubleStream overlaps) {
    table.row(
        Stream.concat(Stream.of(head), overlaps.mapToObj(NeuronsText::share))
            .toArray(String[]::new));
  }

  static String share(double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.3f", value);
  }

  private static String overlap(NeuronStudy study) {
    TopicOverlap overlap = study.overlap();
    if (overlap == null) {
      return "";
    }
    TextTable table =
        new TextTable(
            Stream.concat(Stream.of(""), study.topics().stream().map(NeuronStudy.Topic::name))
                .toArray(String[]::new));
    for (int i = 0; i < study.topics().size(); i++) {
      row(table, study.topics().get(i).name(), Arrays.stream(overlap.means()[i]));
    }
    return "Overlap of the core neurons of different documents:\n"
        + table
        + String.format(
            Locale.ROOT,
            "within a topic %s, between topics %s, by chance %s%n",
            share(overlap.within()),
            share(overlap.between()),
            share(overlap.chance()))
        + nearest(study, overlap)
        + "\n";
  }

  private static String nearest(NeuronStudy study, TopicOverlap overlap) {
    return study.topics().size() == 1
        ? ""
        : String.format(
            Locale.ROOT,
            "of %.0f %% of the documents, the most similar one is of their topic (by chance %.0f %%)%n",
            100 * overlap.nearest(),
            100 * overlap.nearestByChance());
  }

  private static String frequencies(NeuronStudy study) {
    TextTable table = new TextTable("layer", "always", "one topic", "mixed", "never");
    for (NeuronFrequency frequency : study.frequencies()) {
      table.row(
          Integer.toString(frequency.layer()),
          percent(frequency, Kind.ALWAYS),
          percent(frequency, Kind.SPECIFIC),
          percent(frequency, Kind.MIXED),
          percent(frequency, Kind.NEVER));
    }
    return "Neurons that are core in 9 of 10 documents of every topic, far more often in one topic than"
        + "\nin the others, now and then, and in at most 1 of 10 of every topic:\n"
        + table;
  }

  static String percent(NeuronFrequency frequency, Kind kind) {
    return String.format(
        Locale.ROOT, "%.1f %%", 100.0 * frequency.count(kind) / frequency.neurons());
  }
}
