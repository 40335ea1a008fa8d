package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * XSum as prompts that already show an example ({@code article}, {@code summary_gt}). Its own
 * example is left out, as shots are drawn from the file.
 */
final class OneShotSummaryFormat implements TaskFormat {
  private static final String PROMPT = "article";
  private static final String SUMMARY = "summary_gt";
  private static final String BEGIN = "###\nArticle: ";
  private static final String END = "\n\nSummarize the above article";

  @Override
  public String name() {
    return "XSum, one-shot prompts";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return first.hasAll(PROMPT, SUMMARY);
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return TaskKind.SUMMARIZATION;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    String prompt = record.text(PROMPT);
    int begin = prompt.lastIndexOf(BEGIN);
    int end = prompt.lastIndexOf(END);
    if (begin < 0 || end < begin + BEGIN.length()) {
      throw record.wrong(
          "field " + PROMPT + ": has no article before a line that asks to sum it up");
    }
    String article = PlainFormat.oneLine(prompt.substring(begin + BEGIN.length(), end));
    Map<String, String> fields = Map.of(Example.INPUT, article);
    examples.accept(Example.of(record, fields, List.of(PlainFormat.oneLine(record.text(SUMMARY)))));
  }
}
