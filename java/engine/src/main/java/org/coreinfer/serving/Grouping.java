package org.coreinfer.serving;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    List<Integer> left = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      left.add(i);
    }
    List<List<Running>> divided = new ArrayList<>();
    while (!left.isEmpty()) {
      NeuronSet first = neurons.get(left.get(0));
      Map<Integer, Integer> common = new HashMap<>();
      left.forEach(i -> common.put(i, common(first, neurons.get(i))));
      common.put(left.get(0), Integer.MAX_VALUE);
      left.sort(Comparator.comparingInt(i -> -common.get(i)));
      List<Integer> nearest = left.subList(0, Math.min(left.size(), most));
      divided.add(nearest.stream().map(answers::get).toList());
      nearest.clear();
    }
    return divided;
  }

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
