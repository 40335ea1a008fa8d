package org.coreinfer.evaluation;

import java.util.List;
import org.coreinfer.core.CoreOptions;

/**
 * What a {@link SpeedTest} measures.
 *
 * @param prompts lengths of prompts to read, in tokens
 * @param answers lengths of answers to decode, in tokens
 * @param depth tokens before an answer; 0 for the beginning of a text
 * @param rounds how often each of them is measured
 * @param options one after another in each round
 */
public record SpeedPlan(
    List<Integer> prompts,
    List<Integer> answers,
    int depth,
    int rounds,
    List<CoreOptions> options) {

  /** Prompt tokens that choose core neurons where no longer prompt was read. */
  static final int CHOOSING_TOKENS = 64;

  /**
   * @throws IllegalArgumentException if there is nothing to measure, or a length is impossible
   */
  public SpeedPlan {
    prompts = sorted("prompt", prompts);
    answers = sorted("max-tokens", answers);
    options = List.copyOf(options);
    if (prompts.isEmpty() && answers.isEmpty()) {
      throw new IllegalArgumentException("prompt=0: expected tokens to read or to decode");
    }
    if (depth < 0) {
      throw new IllegalArgumentException("depth=" + depth + ": expected 0 or more");
    }
    if (rounds < 1) {
      throw new IllegalArgumentException("rounds=" + rounds + ": expected 1 or more");
    }
  }

  private static List<Integer> sorted(String name, List<Integer> lengths) {
    for (int length : lengths) {
      if (length < 0) {
        throw new IllegalArgumentException(name + "=" + length + ": expected 0 or more");
      }
    }
    return lengths.stream().filter(length -> length > 0).distinct().sorted().toList();
  }

  /** The most tokens that a sequence will have. */
  public int context() {
    int longestPrompt = prompts.isEmpty() ? 0 : prompts.get(prompts.size() - 1);
    int longestAnswer = answers.isEmpty() ? 0 : answers.get(answers.size() - 1);
    int read = answers.isEmpty() ? 0 : Math.max(depth, CHOOSING_TOKENS);
    return Math.max(Math.max(longestPrompt, read), begin() + longestAnswer);
  }

  /** The position of an answer's first token: something must have been read. */
  int begin() {
    return Math.max(depth, 1);
  }
}
