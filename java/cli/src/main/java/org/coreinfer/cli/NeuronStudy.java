package org.coreinfer.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.evaluation.CoreSet;
import org.coreinfer.evaluation.LayerGroup;
import org.coreinfer.evaluation.NeuronFrequency;
import org.coreinfer.evaluation.SetStability;
import org.coreinfer.evaluation.TopicOverlap;
import org.jspecify.annotations.Nullable;

/** What {@code neurons} found out. */
record NeuronStudy(
    String model, CoreOptions options, SetStability stability, List<NeuronStudy.Topic> topics) {
  /**
   * The documents of one file.
   *
   * @param tokens of all of them
   * @param sets what each whole document chose
   */
  record Topic(String name, int tokens, List<CoreSet> sets) {}

  /** What was looked at, for titles. */
  String label() {
    return String.format(
        Locale.ROOT, "%s, rule %s, keep %.2g", model, options.rule(), options.keep());
  }

  int documents() {
    return topics.stream().mapToInt(topic -> topic.sets().size()).sum();
  }

  int layers() {
    return topics.get(0).sets().get(0).layers();
  }

  private List<List<CoreSet>> sets() {
    return topics.stream().map(Topic::sets).toList();
  }

  /** All layers first, then groups of them. */
  List<SetStability.Curve> curves() {
    List<SetStability.Curve> curves = new ArrayList<>();
    curves.add(stability.curve(LayerGroup.all(layers())));
    if (layers() > 1) {
      LayerGroup.of(layers()).forEach(group -> curves.add(stability.curve(group)));
    }
    return curves;
  }

  /** Null if there is only one document. */
  @Nullable TopicOverlap overlap() {
    return documents() < 2 ? null : TopicOverlap.of(sets());
  }

  List<NeuronFrequency> frequencies() {
    return IntStream.range(0, layers())
        .mapToObj(layer -> NeuronFrequency.of(sets(), layer))
        .toList();
  }
}
