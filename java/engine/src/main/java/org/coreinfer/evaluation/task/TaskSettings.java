package org.coreinfer.evaluation.task;

/**
 * How a task is run.
 *
 * @param shots examples that a prompt shows
 * @param limit the most examples that are asked: the first ones of the file
 * @param seed of the draws of examples to show, and of confidence intervals
 * @param maxTokens the most tokens of an answer
 */
public record TaskSettings(int shots, int limit, long seed, int maxTokens) {
  public TaskSettings {
    requirePositive("limit", limit);
    requirePositive("max tokens", maxTokens);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + "=" + value + ": expected 1 or more");
    }
  }
}
