package org.coreinfer.serving;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.model.NeuronSet;

/**
 * Divides answers into groups whose tokens are computed in one pass over the weights. A pass reads
 * what any of its answers computes, so those with many neurons in common go together. For one
 * thread.
 */
final class Grouping {
  /** Layers in which neurons are compared. */
  private static final int LAYERS = 4;

  private final int most;
  private List<Running> answers = List.of();
  private List<NeuronSet> neurons = List.of();
  private List<List<Running>> groups = List.of();

  /**
   * @param most answers of a group
   */
  Grouping(int most) {
    this.most = most;
  }

  Grouping() {
    this(Backend.DECODE_TOKENS);
  }

  /** The groups of these answers; the same as the last time while nothing has changed. */
  List<List<Running>> of(List<Running> given) {
    if (given.size() <= most) {
      return given.isEmpty() ? List.of() : List.of(given);
    }
    List<NeuronSet> sets = given.stream().map(each -> each.answer().neurons()).toList();
    if (!given.equals(answers) || !sets.equals(neurons)) {
      answers = List.copyOf(given);
      neurons = sets;
      groups = divide();
    }
    return groups;
  }

  private List<List<Running>> divide() {
    List<Running> left = new ArrayList<>(answers);
    List<List<Running>> divided = new ArrayList<>();
    while (!left.isEmpty()) {
      NeuronSet first = left.get(0).answer().neurons();
      List<Candidate> candidates = new ArrayList<>();
      for (Running each : left) {
        candidates.add(new Candidate(each, common(first, each.answer().neurons())));
      }
      candidates.sort(Comparator.comparingInt(Candidate::common).reversed());
      List<Running> nearest = candidates.stream().limit(most).map(Candidate::answer).toList();
      divided.add(nearest);
      left.removeAll(nearest);
    }
    return divided;
  }

  /** An answer, and how many neurons it has in common with the first one of a group. */
  private record Candidate(Running answer, int common) {}

  /** How many neurons two sets have in common, in some layers. */
  static int common(NeuronSet one, NeuronSet other) {
    int count = 0;
    int step = Math.max(1, one.layers() / LAYERS);
    for (int layer = 0; layer < one.layers(); layer += step) {
      int[] a = one.ids(layer);
      int[] b = other.ids(layer);
      int i = 0;
      int j = 0;
      while (i < a.length && j < b.length) {
        int least = Math.min(a[i], b[j]);
        boolean isInA = a[i] == least;
        boolean isInB = b[j] == least;
        count += isInA && isInB ? 1 : 0;
        i += isInA ? 1 : 0;
        j += isInB ? 1 : 0;
      }
    }
    return count;
  }
}
