package org.coreinfer.evaluation.task;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Tables of {@code question} and {@code answer}, right answers separated by semicolons. */
final class QuestionTableFormat implements TaskFormat {
  private static final String QUESTION = "question";
  private static final String ANSWER = "answer";

  @Override
  public String name() {
    return "questions with answers";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return first.hasAll(QUESTION, ANSWER, "false_answer");
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return TaskKind.QUESTION_ANSWERING;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    Map<String, String> fields = Map.of(Example.INPUT, record.text(QUESTION));
    examples.accept(Example.of(record, fields, parts(record, ANSWER)));
  }

  /** The parts of a text between semicolons, at least one. */
  static List<String> parts(TaskRecord record, String name) {
    List<String> parts =
        Arrays.stream(record.text(name).split(";"))
            .map(String::strip)
            .filter(part -> !part.isEmpty())
            .toList();
    if (parts.isEmpty()) {
      throw record.wrong("field " + name + " is empty");
    }
    return parts;
  }
}
