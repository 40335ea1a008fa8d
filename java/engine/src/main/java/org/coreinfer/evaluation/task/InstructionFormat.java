package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Instructions with a worked {@code output} and a short {@code answer}, as GSM8K, BoolQ and others
 * are kept for fine-tuning. Where the answers are numbers the output, which reasons, is shown and
 * the last number counts; elsewhere the answer itself is asked for.
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
    String shown = isNumber(answer) ? worked(record.text(OUTPUT)) : answer;
    examples.accept(
        new Example(
            record.where(),
            Map.of(Example.INPUT, record.text(INSTRUCTION)),
            shown,
            List.of(answer)));
  }

  /** On one line, as an answer ends with its line. */
  private static String worked(String output) {
    String text = output.startsWith(ANSWER_MARK) ? output.substring(ANSWER_MARK.length()) : output;
    return text.strip().replaceAll("\\s+", " ");
  }

  private static boolean isNumber(String text) {
    return text.matches("-?\\d+(?:\\.\\d+)?");
  }
}
