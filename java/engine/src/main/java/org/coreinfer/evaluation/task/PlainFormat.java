package org.coreinfer.evaluation.task;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * This project's own format, into which others are easily brought, and in which XSum and CNN/DM are
 * as Hugging Face keeps them. What is asked is in a field {@code question} (with {@code context},
 * or with {@code choices}), {@code source} (with {@code from} and {@code into}, languages in
 * English), {@code document} or {@code article}, or {@code prompt}; the right answers, one text or
 * a list, are in {@code answers}, {@code answer}, {@code references}, {@code reference}, {@code
 * target}, {@code summary} or {@code highlights}.
 */
final class PlainFormat implements TaskFormat {
  private static final String CHOICES = "choices";

  private static final Map<String, TaskKind> KINDS =
      Map.of(
          "question", TaskKind.QUESTION_ANSWERING,
          "source", TaskKind.TRANSLATION,
          "document", TaskKind.SUMMARIZATION,
          "article", TaskKind.SUMMARIZATION,
          "prompt", TaskKind.COMPLETION);
  private static final List<String> ANSWERS =
      List.of("answers", "answer", "references", "reference", "target", "summary", "highlights");
  private static final List<String> MORE = List.of(Example.CONTEXT, Example.FROM, Example.INTO);

  @Override
  public String name() {
    return "plain";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return KINDS.keySet().stream().anyMatch(first::has) && ANSWERS.stream().anyMatch(first::has);
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    String asked = only(first, KINDS.keySet().stream().sorted().toList());
    if (first.has(CHOICES)) {
      return TaskKind.MULTIPLE_CHOICE;
    }
    return asked.equals("question") && first.has(Example.CONTEXT)
        ? TaskKind.READING_COMPREHENSION
        : KINDS.getOrDefault(asked, TaskKind.COMPLETION);
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    String asked = only(record, KINDS.keySet().stream().sorted().toList());
    List<String> answers = record.texts(only(record, ANSWERS));
    if (answers.isEmpty()) {
      throw record.wrong("has no answer");
    }
    String input = record.text(asked);
    if (record.has(CHOICES)) {
      List<String> choices = record.texts(CHOICES);
      int right = choices.indexOf(answers.get(0));
      if (right < 0) {
        throw record.wrong("field " + CHOICES + ": the answer is not among them");
      }
      examples.accept(Choices.example(record, input, choices, right));
      return;
    }
    Map<String, String> fields = new HashMap<>();
    boolean isSummarized = TaskKind.SUMMARIZATION.equals(KINDS.get(asked));
    fields.put(Example.INPUT, isSummarized ? oneLine(input) : input);
    MORE.stream().filter(record::has).forEach(name -> fields.put(name, record.text(name)));
    List<String> right =
        isSummarized ? answers.stream().map(PlainFormat::oneLine).toList() : answers;
    examples.accept(Example.of(record, fields, right));
  }

  /** A text without line breaks, at which answers would end. */
  static String oneLine(String text) {
    return text.strip().replaceAll("\\s+", " ");
  }

  /** The one of these fields that the record has. */
  private static String only(TaskRecord record, List<String> names) {
    List<String> found = names.stream().filter(record::has).toList();
    if (found.size() != 1) {
      throw record.wrong(
          found.isEmpty()
              ? "has none of the fields " + String.join(", ", names)
              : "has several of the fields "
                  + String.join(", ", names)
                  + ": "
                  + String.join(", ", found));
    }
    return found.get(0);
  }
}
