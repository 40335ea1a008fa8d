package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.Map;

/** Makes examples of questions that come with answers to choose from. */
final class Choices {
  private static final int MOST = 26;

  private Choices() {}

  /**
   * The question with lettered answers, and the letter of the right one.
   *
   * @param right which one is, counted from 0
   */
  static Example example(TaskRecord record, String question, List<String> answers, int right) {
    if (answers.size() > MOST) {
      throw record.wrong("has " + answers.size() + " answers, expected at most " + MOST);
    }
    StringBuilder input = new StringBuilder(question);
    for (int i = 0; i < answers.size(); i++) {
      input.append('\n').append(letter(i)).append(". ").append(answers.get(i));
    }
    return Example.of(record, Map.of(Example.INPUT, input.toString()), List.of(letter(right)));
  }

  private static String letter(int answer) {
    return String.valueOf((char) ('A' + answer));
  }
}
