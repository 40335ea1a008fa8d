package org.coreinfer.evaluation.metric;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Corpus BLEU as sacreBLEU's defaults define it ({@code case:mixed|eff:no|tok:13a|smooth:exp}): up
 * to four words, counts of all answers added before anything is divided, each count clipped to the
 * reference that has most, the closest reference length for the brevity penalty. Where no run of n
 * words is right, a count of 1/2 stands for it, of 1/4 the second time, and so on.
 */
final class Bleu implements Metric {
  private static final int MAX_ORDER = 4;

  @Override
  public String name() {
    return "bleu";
  }

  @Override
  public Scores score(List<String> answers, List<List<String>> references) {
    List<Counts> counts =
        IntStream.range(0, answers.size())
            .mapToObj(i -> Counts.of(answers.get(i), references.get(i)))
            .toList();
    return numbers -> {
      Counts sum = new Counts();
      for (int number : numbers) {
        sum.add(counts.get(number));
      }
      return sum.score();
    };
  }

  /** What is added over answers. */
  private static final class Counts {
    private final long[] correct = new long[MAX_ORDER];
    private final long[] total = new long[MAX_ORDER];
    private long answerWords;
    private long referenceWords;

    static Counts of(String answer, List<String> references) {
      List<String> words = BleuTokenizer.words(answer);
      List<List<String>> expected = references.stream().map(BleuTokenizer::words).toList();
      Counts counts = new Counts();
      counts.answerWords = words.size();
      counts.referenceWords = closest(words.size(), expected);
      for (int order = 1; order <= MAX_ORDER; order++) {
        Map<List<String>, Integer> most = new HashMap<>();
        for (List<String> reference : expected) {
          NGrams.of(reference, order).forEach((run, count) -> most.merge(run, count, Math::max));
        }
        Map<List<String>, Integer> found = NGrams.of(words, order);
        counts.correct[order - 1] = NGrams.shared(found, most);
        counts.total[order - 1] = NGrams.total(found);
      }
      return counts;
    }

    /** The reference length nearest to the answer's; of two the shorter. */
    private static int closest(int length, List<List<String>> references) {
      int closest = references.get(0).size();
      for (List<String> reference : references) {
        int size = reference.size();
        int distance = Math.abs(size - length) - Math.abs(closest - length);
        if (distance < 0 || (distance == 0 && size < closest)) {
          closest = size;
        }
      }
      return closest;
    }

    void add(Counts other) {
      for (int i = 0; i < MAX_ORDER; i++) {
        correct[i] += other.correct[i];
        total[i] += other.total[i];
      }
      answerWords += other.answerWords;
      referenceWords += other.referenceWords;
    }

    double score() {
      if (correct[0] == 0 || total[MAX_ORDER - 1] == 0) {
        return 0;
      }
      double logs = 0;
      double smoothed = 1;
      for (int i = 0; i < MAX_ORDER; i++) {
        double right = correct[i];
        if (correct[i] == 0) {
          smoothed /= 2;
          right = smoothed;
        }
        logs += Math.log(right / total[i]);
      }
      double brevity =
          answerWords < referenceWords ? Math.exp(1 - (double) referenceWords / answerWords) : 1;
      return 100 * brevity * Math.exp(logs / MAX_ORDER);
    }
  }
}
