package org.coreinfer.evaluation.metric;

import java.util.List;

/** A way to score answers, in percent: 100 where each is as good as can be. */
public interface Metric {
  /** As JSON output names it, such as {@code exact_match}. */
  String name();

  /**
   * Looks at each answer once.
   *
   * @param references for each answer the texts it may equal, at least one
   */
  Scores score(List<String> answers, List<List<String>> references);

  /** What is known of each answer. */
  @FunctionalInterface
  interface Scores {
    /**
     * The score, in percent, of the answers with these numbers, at least one; a number may come
     * more than once.
     */
    double over(int[] answers);
  }
}
