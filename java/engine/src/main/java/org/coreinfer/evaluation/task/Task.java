package org.coreinfer.evaluation.task;

import java.util.List;

/**
 * What a task file asks.
 *
 * @param format the file's, for people
 */
public record Task(String format, TaskKind kind, List<Example> examples) {
  public Task {
    examples = List.copyOf(examples);
  }

  /** The same examples, asked and scored in another way. */
  public Task as(TaskKind other) {
    return new Task(format, other, examples);
  }
}
