package org.coreinfer.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Expected values are those of sacreBLEU 2.6.0 with its defaults, unless worked by hand. */
class BleuTest {
  private static final double TOLERANCE = 1e-9;

  private static double bleu(List<String> answers, List<List<String>> references) {
    return Metrics.bleu()
        .score(answers, references)
        .over(IntStream.range(0, answers.size()).toArray());
  }

  private static double bleu(String answer, String... references) {
    return bleu(List.of(answer), List.of(List.of(references)));
  }

  /** The example of sacreBLEU's own documentation, which prints 48.53. */
  @Test
  void theDocumentedCorpusHasItsDocumentedScore() {
    assertEquals(
        48.530827009929865,
        bleu(
            List.of(
                "The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."),
            List.of(
                List.of("The dog bit the man.", "The dog had bit the man."),
                List.of("It was not unexpected.", "No one was surprised."),
                List.of("The man bit him first.", "The man had bitten the dog."))),
        TOLERANCE);
  }

  @Test
  void runsThatAreNeverRightAreSmoothed() {
    assertEquals(
        37.99178428257963, bleu("the cat sat on the mat", "the cat is on the mat"), TOLERANCE);
    assertEquals(14.058533129758727, bleu("a b c d e", "a x c y e"), TOLERANCE);
  }

  /** Papineni's example: the clipped precision of one word is 2/7. */
  @Test
  void countsAreClippedToTheReferenceThatHasMost() {
    assertEquals(
        7.809849842300637,
        bleu("the the the the the the the", "the cat is on the mat", "there is a cat on the mat"),
        TOLERANCE);
  }

  @Test
  void numbersPunctuationAndMarkupAreWordsAsInMteval() {
    assertEquals(
        58.737954544317304,
        bleu(
            List.of(
                "The price rose 3.5% to $1,200.50 on 2024-05-01 (Reuters).",
                "\"Yes,\" she said -- it's <b>true</b> &amp; well-known."),
            List.of(
                List.of("The price climbed 3.5% to $1,200.50 on 2024-05-01, Reuters said."),
                List.of("\"Yes\", she said - it's <b>true</b> and well-known."))),
        TOLERANCE);
  }

  @Test
  void lettersOfOtherAlphabetsStayInTheirWords() {
    assertEquals(
        42.13952948452608,
        bleu(
            "\u015eeful ONU declar\u0103 c\u0103 nu exist\u0103 solu\u0163ii militare",
            "\u0218eful ONU declar\u0103 c\u0103 nu exist\u0103 solu\u021bii militare \u00een Siria"),
        TOLERANCE);
  }

  @Test
  void shortAnswersArePunished() {
    // All of 4 words are right, where 6 are expected: exp(1 - 6/4).
    assertEquals(
        100 * Math.exp(-0.5),
        bleu(List.of("", "a b c d"), List.of(List.of("x y"), List.of("a b c d"))),
        TOLERANCE);
    assertEquals(0, bleu("short one here", "short one here and more"));
  }

  @Test
  void nothingRightIsZero() {
    assertEquals(0, bleu("q w e r", "a b c d"));
    assertEquals(0, bleu("", "a b c d"));
    assertEquals(100, bleu("a b c d", "q", "a b c d"), TOLERANCE);
  }

  @Test
  void ofTwoReferencesEquallyFarTheShorterCounts() {
    // 4 words against 3 or 5: no brevity penalty.
    assertEquals(100, bleu("a b c d", "a b c d e", "a b c"), TOLERANCE);
  }

  static List<Arguments> lines() {
    return List.of(
        Arguments.of(
            "The price rose 3.5% to $1,200.50 on 2024-05-01 (Reuters).",
            "The price rose 3.5 % to $ 1,200.50 on 2024 - 05 - 01 ( Reuters ) ."),
        Arguments.of(
            "\"Yes,\" she said -- it's <b>true</b> &amp; well-known.",
            "\" Yes , \" she said -- it's < b > true < / b > & well-known ."),
        Arguments.of("end-\nline a\nb <skipped>x", "endline a b x"),
        Arguments.of("1.,2 .5 5. a.b", "1 . , 2 . 5 5 . a . b"),
        Arguments.of("3-4 a-b -5", "3 - 4 a-b -5"),
        Arguments.of("don\u2019t\u00a0stop\u2026", "don\u2019t stop\u2026"),
        Arguments.of("&quot;x&quot;&lt;y&gt;&amp;lt;", "\" x \" < y > <"));
  }

  @ParameterizedTest
  @MethodSource("lines")
  void tokenizesAs13a(String line, String words) {
    assertEquals(words, String.join(" ", BleuTokenizer.words(line)));
  }
}
