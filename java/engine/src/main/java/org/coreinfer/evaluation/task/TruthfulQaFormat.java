package org.coreinfer.evaluation.task;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** TruthfulQA's table; the best answer is shown, and it and all correct ones are right. */
final class TruthfulQaFormat implements TaskFormat {
  private static final String QUESTION = "Question";
  private static final String BEST = "Best Answer";
  private static final String CORRECT = "Correct Answers";

  @Override
  public String name() {
    return "TruthfulQA";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return first.hasAll(QUESTION, BEST, CORRECT);
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return TaskKind.QUESTION_ANSWERING;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    Set<String> right = new LinkedHashSet<>();
    right.add(record.text(BEST));
    right.addAll(QuestionTableFormat.parts(record, CORRECT));
    Map<String, String> fields = Map.of(Example.INPUT, record.text(QUESTION));
    examples.accept(Example.of(record, fields, right.stream().toList()));
  }
}
