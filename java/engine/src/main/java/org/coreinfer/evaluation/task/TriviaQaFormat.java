package org.coreinfer.evaluation.task;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * TriviaQA as it is published ({@code Question}, {@code Answer.Aliases}) and as Hugging Face keeps
 * it (the same in lower case). The answer's {@code Value} is shown; it and all aliases are right.
 */
final class TriviaQaFormat implements TaskFormat {
  @Override
  public String name() {
    return "TriviaQA";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return isOf(first, "Question", "Answer") || isOf(first, "question", "answer");
  }

  private static boolean isOf(TaskRecord first, String question, String answer) {
    return first.has(question) && first.isRecord(answer);
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return TaskKind.QUESTION_ANSWERING;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    boolean isPublished = record.has("Question");
    TaskRecord answer = record.record(isPublished ? "Answer" : "answer");
    Set<String> right = new LinkedHashSet<>();
    right.add(answer.text(isPublished ? "Value" : "value"));
    right.addAll(answer.texts(isPublished ? "Aliases" : "aliases"));
    String question = record.text(isPublished ? "Question" : "question");
    List<String> references = new ArrayList<>(right);
    examples.accept(Example.of(record, Map.of(Example.INPUT, question), references));
  }
}
