package org.coreinfer.evaluation.metric;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How often each run of so many words comes in a text. */
final class NGrams {
  private NGrams() {}

  static Map<List<String>, Integer> of(List<String> words, int order) {
    Map<List<String>, Integer> counts = new HashMap<>();
    for (int end = order; end <= words.size(); end++) {
      counts.merge(words.subList(end - order, end), 1, Integer::sum);
    }
    return counts;
  }

  /** All of them. */
  static int total(Map<List<String>, Integer> counts) {
    return counts.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Those that two texts share, each as often as it comes in both. */
  static int shared(Map<List<String>, Integer> one, Map<List<String>, Integer> other) {
    return one.entrySet().stream()
        .mapToInt(entry -> Math.min(entry.getValue(), other.getOrDefault(entry.getKey(), 0)))
        .sum();
  }

  /** The harmonic mean of precision and recall; of two empty texts 1. */
  static double f1(Map<List<String>, Integer> answer, Map<List<String>, Integer> reference) {
    if (answer.isEmpty() && reference.isEmpty()) {
      return 1;
    }
    return harmonicMean(shared(answer, reference), total(answer), total(reference));
  }

  /** The harmonic mean of {@code shared / answer} and {@code shared / reference}; 0 if none is. */
  static double harmonicMean(int shared, int answer, int reference) {
    return shared == 0 ? 0 : 2.0 * shared / ((long) answer + reference);
  }
}
