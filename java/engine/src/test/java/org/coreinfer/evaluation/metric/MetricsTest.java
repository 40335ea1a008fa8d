package org.coreinfer.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetricsTest {
  private static final double EXACT = 1e-12;

  private static double score(Metric metric, String answer, String... references) {
    return metric.score(List.of(answer), List.of(List.of(references))).over(new int[] {0});
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "The  Eiffel Tower!,eiffel tower",
        "a U.S. city,us city",
        "an apple and the pear,apple and pear",
        "theme park,theme park",
        "self-made,selfmade",
        "`  `,``",
        "the,``",
        "caf\u00e9\u00a0noir,caf\u00e9 noir",
        "don\u2019t,don\u2019t"
      })
  void squadIgnoresCasePunctuationArticlesAndSpace(String text, String normal) {
    assertEquals(normal, Normalization.SQUAD.apply(text));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "self-made,self made",
        "don\u2019t,don t",
        "The `Witch_of` Endor,witch of endor",
        "A.B.,b"
      })
  void triviaQaTakesPunctuationForSpace(String text, String normal) {
    assertEquals(normal, Normalization.TRIVIA_QA.apply(text));
  }

  @Test
  void anExactMatchNeedsOneReference() {
    Metric metric = Metrics.exactMatch(Normalization.SQUAD);
    assertEquals(100, score(metric, "The Normans.", "France", "normans"));
    assertEquals(0, score(metric, "The Normans of France", "France", "normans"));
    assertEquals(0, score(Metrics.exactMatch(Normalization.NONE), "b", "B"));
  }

  /** Worked by hand: 2 of 4 words and of 3 words; precision 1/2, recall 2/3, so 4/7. */
  @Test
  void f1CountsSharedWordsWithTheBestReference() {
    Metric metric = Metrics.f1(Normalization.SQUAD);
    assertEquals(400.0 / 7, score(metric, "big red dog dog", "the red dog barks", "a cat"), EXACT);
    assertEquals(0, score(metric, "", "a cat"));
    assertEquals(100, score(metric, "the", "a"));
    assertEquals(100, score(metric, "a dog", "cat", "dog"));
  }

  /**
   * Worked by hand: the answer has 8 words, the reference 9; 6 are shared, 2 of 7 and 8 pairs, and
   * the longest common subsequence is the quick brown ... jumps ... the, or dog in its place: 5.
   */
  @Test
  void rougeIsThatOfTheTextbookExample() {
    String reference = "The quick brown fox jumps over the lazy dog";
    String answer = "The quick brown dog jumps on the log.";
    assertEquals(100 * 12 / 17.0, score(Metrics.rouge(1), answer, reference), EXACT);
    assertEquals(100 * 4 / 15.0, score(Metrics.rouge(2), answer, reference), EXACT);
    assertEquals(100 * 10 / 17.0, score(Metrics.rougeL(), answer, reference), EXACT);
  }

  /** Lin's own examples: police killed the gunman. */
  @Test
  void rougeLLooksAtTheOrderOfWords() {
    String reference = "police killed the gunman";
    assertEquals(75, score(Metrics.rougeL(), "police kill the gunman", reference), EXACT);
    assertEquals(50, score(Metrics.rougeL(), "the gunman kill police", reference), EXACT);
    assertEquals(50, score(Metrics.rougeL(), "the gunman police killed", reference), EXACT);
  }

  @Test
  void rougeKnowsLettersAndDigitsOnly() {
    assertEquals(100, score(Metrics.rougeL(), "A-b, C3!", "a b c3"));
    assertEquals(0, score(Metrics.rougeL(), "\u4f60\u597d", "\u4f60\u597d"));
    assertEquals(0, score(Metrics.rouge(2), "one", "one"));
    assertEquals(100, score(Metrics.rouge(1), "two one", "none", "one two"));
  }

  @Test
  void aMeanIsOverTheChosenAnswersOnly() {
    Metric.Scores scores =
        Metrics.exactMatch(Normalization.NONE)
            .score(List.of("a", "b", "c"), List.of(List.of("a"), List.of("x"), List.of("c")));
    assertEquals(200.0 / 3, scores.over(new int[] {0, 1, 2}), EXACT);
    assertEquals(25, scores.over(new int[] {1, 1, 0, 1}), EXACT);
  }
}
