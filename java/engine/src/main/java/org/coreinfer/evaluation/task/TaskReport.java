package org.coreinfer.evaluation.task;

import java.util.List;
import org.coreinfer.evaluation.Estimate;

/**
 * What dense and core decoding made of the same examples.
 *
 * @param format of the task file
 * @param kind the label of the task's kind
 * @param examples answered ones
 * @param skipped examples too long for the context, even alone
 * @param shots examples that prompts were to show
 * @param shotsShown examples that they had room for, on average
 * @param metrics scores in percent, the usual one first
 * @param sameAnswer share of examples with the same text of both
 * @param sameScored share of examples with the same scored part of both
 * @param keepMeasured share of neurons that core decoding computed, over all layers and examples
 */
public record TaskReport(
    String format,
    String kind,
    int examples,
    int skipped,
    int shots,
    double shotsShown,
    int maxTokens,
    long seed,
    List<Result> metrics,
    double sameAnswer,
    double sameScored,
    double keepMeasured,
    Rates rates) {
  public TaskReport {
    metrics = List.copyOf(metrics);
  }

  /**
   * One metric, in percent.
   *
   * @param difference core less dense; its interval comes from paired draws
   */
  public record Result(String name, Estimate dense, Estimate core, Estimate difference) {}

  /**
   * Tokens per second.
   *
   * @param prefill of prompts, which are read once for both
   * @param dense of decoding with every neuron; 0 if no token was decoded
   * @param core of decoding with core neurons; 0 if no token was decoded
   */
  public record Rates(double prefill, double dense, double core) {}
}
