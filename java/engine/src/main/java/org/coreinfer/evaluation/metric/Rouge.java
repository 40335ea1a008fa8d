package org.coreinfer.evaluation.metric;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * ROUGE F-measures as Google's rouge_score computes them without stemming: the words are runs of
 * a-z and 0-9 after lower-casing, so letters of other alphabets and accented ones separate words.
 */
final class Rouge {
  private static final Pattern SEPARATOR = Pattern.compile("[^a-z0-9]+");

  private Rouge() {}

  static double ofNGrams(String answer, String reference, int order) {
    var answers = NGrams.of(words(answer), order);
    var references = NGrams.of(words(reference), order);
    return NGrams.harmonicMean(
        NGrams.shared(answers, references), NGrams.total(answers), NGrams.total(references));
  }

  static double ofSubsequence(String answer, String reference) {
    List<String> answers = words(answer);
    List<String> references = words(reference);
    int longest = longestCommonSubsequence(answers, references);
    return NGrams.harmonicMean(longest, answers.size(), references.size());
  }

  private static List<String> words(String text) {
    return SEPARATOR
        .splitAsStream(text.toLowerCase(Locale.ROOT))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  /** The length of the longest sequence of words that stands, with gaps, in both. */
  private static int longestCommonSubsequence(List<String> one, List<String> other) {
    int[] row = new int[other.size() + 1];
    for (String word : one) {
      int diagonal = 0;
      for (int i = 1; i < row.length; i++) {
        int above = row[i];
        row[i] = word.equals(other.get(i - 1)) ? diagonal + 1 : Math.max(above, row[i - 1]);
        diagonal = above;
      }
    }
    return row[other.size()];
  }
}
