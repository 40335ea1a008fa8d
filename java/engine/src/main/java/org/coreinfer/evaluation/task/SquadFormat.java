package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * SQuAD and its like, XQuAD among them: paragraphs with questions, or one question with its context
 * per record as Hugging Face keeps them. A question of version 2 that has no answer is to be
 * answered {@value #NO_ANSWER}.
 */
final class SquadFormat implements TaskFormat {
  private static final String NO_ANSWER = "unanswerable";
  private static final String PARAGRAPHS = "paragraphs";
  private static final String QUESTIONS = "qas";
  private static final String CONTEXT = "context";
  private static final String QUESTION = "question";
  private static final String ANSWERS = "answers";
  private static final String TEXT = "text";

  @Override
  public String name() {
    return "SQuAD";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return first.isList(PARAGRAPHS) || (first.hasAll(CONTEXT, QUESTION) && first.isRecord(ANSWERS));
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return TaskKind.READING_COMPREHENSION;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    if (!record.has(PARAGRAPHS)) {
      TaskRecord answers = record.record(ANSWERS);
      examples.accept(example(record, record.text(CONTEXT), answers.texts(TEXT)));
      return;
    }
    for (TaskRecord paragraph : record.records(PARAGRAPHS)) {
      String context = paragraph.text(CONTEXT);
      for (TaskRecord question : paragraph.records(QUESTIONS)) {
        List<TaskRecord> answers = question.records(ANSWERS);
        List<String> texts = answers.stream().map(answer -> answer.text(TEXT)).toList();
        examples.accept(example(question, context, texts));
      }
    }
  }

  private static Example example(TaskRecord question, String context, List<String> answers) {
    Map<String, String> fields =
        Map.of(Example.CONTEXT, context, Example.INPUT, question.text(QUESTION));
    List<String> references =
        answers.isEmpty() ? List.of(NO_ANSWER) : answers.stream().distinct().toList();
    return Example.of(question, fields, references);
  }
}
