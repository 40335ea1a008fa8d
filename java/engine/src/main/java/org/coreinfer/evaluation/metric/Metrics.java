package org.coreinfer.evaluation.metric;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;

/** Every metric there is. */
public final class Metrics {
  private Metrics() {}

  /** The share of answers that equal a reference, both normalized. */
  public static Metric exactMatch(Normalization normalization) {
    return best(
        "exact_match",
        (answer, reference) ->
            normalization.apply(answer).equals(normalization.apply(reference)) ? 1 : 0);
  }

  /**
   * The words that an answer shares with a reference: the harmonic mean of precision and recall, as
   * SQuAD's own script computes it.
   */
  public static Metric f1(Normalization normalization) {
    return best(
        "f1",
        (answer, reference) ->
            NGrams.f1(
                NGrams.of(Words.split(normalization.apply(answer)), 1),
                NGrams.of(Words.split(normalization.apply(reference)), 1)));
  }

  /** BLEU of all answers together, as sacreBLEU computes it by default. */
  public static Metric bleu() {
    return new Bleu();
  }

  /** ROUGE-1, ROUGE-2 and so on. */
  public static Metric rouge(int order) {
    return best("rouge_" + order, (answer, reference) -> Rouge.ofNGrams(answer, reference, order));
  }

  /** ROUGE-L, over the whole text as one sentence. */
  public static Metric rougeL() {
    return best("rouge_l", Rouge::ofSubsequence);
  }

  /** The mean over the answers of the value, in 0..1, with the reference that suits each best. */
  private static Metric best(String name, ToDoubleBiFunction<String, String> value) {
    return new Metric() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Scores score(List<String> answers, List<List<String>> references) {
        double[] values =
            IntStream.range(0, answers.size())
                .mapToDouble(i -> highest(answers.get(i), references.get(i)))
                .toArray();
        return numbers ->
            100 * Arrays.stream(numbers).mapToDouble(i -> values[i]).sum() / numbers.length;
      }

      private double highest(String answer, List<String> references) {
        return references.stream()
            .mapToDouble(reference -> value.applyAsDouble(answer, reference))
            .max()
            .orElseThrow();
      }
    };
  }
}
