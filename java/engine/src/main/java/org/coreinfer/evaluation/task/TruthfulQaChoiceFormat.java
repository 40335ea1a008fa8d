package org.coreinfer.evaluation.task;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * TruthfulQA's choices with one true answer (MC1). The file puts the true one first, so the answers
 * are turned by a number that depends on the question. The model writes the letter; published MC1
 * figures, which compare the likelihoods of whole answers, are another measure.
 */
final class TruthfulQaChoiceFormat implements TaskFormat {
  private static final String QUESTION = "question";
  private static final String CHOICES = "mc1_targets";
  private static final String TRUE = "1";

  @Override
  public String name() {
    return "TruthfulQA MC1";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return first.has(QUESTION) && first.isRecord(CHOICES);
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return TaskKind.MULTIPLE_CHOICE;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    String question = record.text(QUESTION);
    TaskRecord choices = record.record(CHOICES);
    List<String> answers = new ArrayList<>(choices.names());
    List<String> right = answers.stream().filter(answer -> isTrue(choices, answer)).toList();
    if (right.size() != 1) {
      throw record.wrong(
          "field " + CHOICES + " has " + right.size() + " true answers, expected one");
    }
    Collections.rotate(answers, Math.floorMod(question.hashCode(), answers.size()));
    examples.accept(Choices.example(record, question, answers, answers.indexOf(right.get(0))));
  }

  private static boolean isTrue(TaskRecord choices, String answer) {
    return choices.text(answer).equals(TRUE);
  }
}
