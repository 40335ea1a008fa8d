package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Instructions with a worked {@code output} and a short {@code answer}, as GSM8K, BoolQ and others
 * are kept for fine-tuning. Where the answers are numbers, the last number of an answer counts, and
 * the output is shown, which reasons; or, as models wrote these outputs, the answer alone where an
 * output comes to another. Elsewhere the answer itself is asked for.
 */
final class InstructionFormat implements TaskFormat {
  private static final String INSTRUCTION = "instruction";
  private static final String OUTPUT = "output";
  private static final String ANSWER = "answer";
  private static final String ANSWER_MARK = "A:";

  @Override
  public String name() {
    return "instructions";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return first.hasAll(INSTRUCTION, OUTPUT, ANSWER);
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return isNumber(first.text(ANSWER)) ? TaskKind.ARITHMETIC : TaskKind.QUESTION_ANSWERING;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    String answer = record.text(ANSWER);
    String shown = isNumber(answer) ? reasoning(record, Extraction.lastNumber(answer)) : answer;
    examples.accept(
        new Example(
            record.where(),
            Map.of(Example.INPUT, record.text(INSTRUCTION)),
            shown,
            List.of(answer)));
  }

  /** On one line, as an answer ends with its line. */
  private static String reasoning(TaskRecord record, String answer) {
    String output = record.textOrEmpty(OUTPUT);
    String text = output.startsWith(ANSWER_MARK) ? output.substring(ANSWER_MARK.length()) : output;
    return Extraction.lastNumber(text).equals(answer)
        ? PlainFormat.oneLine(text)
        : "The answer is " + answer + ".";
  }

  private static boolean isNumber(String text) {
    return text.matches("-?\\d+(?:\\.\\d+)?");
  }
}
