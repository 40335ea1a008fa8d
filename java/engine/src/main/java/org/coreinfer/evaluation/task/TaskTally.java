package org.coreinfer.evaluation.task;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.evaluation.Bootstrap;
import org.coreinfer.evaluation.metric.Metric;

/** Answers so far, and what was measured of them. */
final class TaskTally {
  private final Task task;
  private final TaskSettings settings;
  private final List<String> dense = new ArrayList<>();
  private final List<String> core = new ArrayList<>();
  private final List<List<String>> references = new ArrayList<>();
  private final Rate prefill = new Rate();
  private final Rate denseRate = new Rate();
  private final Rate coreRate = new Rate();
  private int skipped;
  private long shown;
  private int same;
  private int sameScored;
  private double keep;

  TaskTally(Task task, TaskSettings settings) {
    this.task = task;
    this.settings = settings;
  }

  void skip() {
    skipped++;
  }

  boolean isEmpty() {
    return dense.isEmpty();
  }

  /**
   * Counts an example.
   *
   * @param shots how many others its prompt showed
   */
  void add(Example example, int shots, PairedDecoding.Pair pair) {
    TaskKind kind = task.kind();
    String denseScored = kind.extract(pair.dense().text());
    String coreScored = kind.extract(pair.core().text());
    dense.add(denseScored);
    core.add(coreScored);
    references.add(example.references().stream().map(kind::extract).toList());
    shown += shots;
    same += pair.dense().text().equals(pair.core().text()) ? 1 : 0;
    sameScored += denseScored.equals(coreScored) ? 1 : 0;
    keep += pair.keep();
    prefill.add(pair.promptTokens(), pair.prefillNanos());
    denseRate.add(pair.dense().steps(), pair.dense().nanos());
    coreRate.add(pair.core().steps(), pair.core().nanos());
  }

  /** The outcome; there must be an answer. */
  TaskReport report() {
    double examples = dense.size();
    return new TaskReport(
        task.format(),
        task.kind().label(),
        dense.size(),
        skipped,
        settings.shots(),
        shown / examples,
        settings.maxTokens(),
        settings.seed(),
        task.kind().metrics().stream().map(this::result).toList(),
        same / examples,
        sameScored / examples,
        keep / examples,
        new TaskReport.Rates(prefill.perSecond(), denseRate.perSecond(), coreRate.perSecond()));
  }

  private TaskReport.Result result(Metric metric) {
    Bootstrap bootstrap = new Bootstrap(dense.size(), settings.seed());
    Metric.Scores ofDense = metric.score(dense, references);
    Metric.Scores ofCore = metric.score(core, references);
    return new TaskReport.Result(
        metric.name(),
        bootstrap.of(ofDense::over),
        bootstrap.of(ofCore::over),
        bootstrap.of(answers -> ofCore.over(answers) - ofDense.over(answers)));
  }

  /** Tokens and the time that they took. */
  private static final class Rate {
    private long tokens;
    private long nanos;

    void add(int count, long time) {
      tokens += count;
      nanos += time;
    }

    double perSecond() {
      return nanos == 0 ? 0 : tokens * 1e9 / nanos;
    }
  }
}
