package org.coreinfer.evaluation.task;

import java.util.function.Consumer;

/** One published layout of records. */
interface TaskFormat {
  /** As people call it. */
  String name();

  /** Whether a file whose first record is this one has the format. */
  boolean isOf(TaskRecord first);

  TaskKind kind(TaskRecord first);

  /**
   * Passes on what a record asks, in the order of the file.
   *
   * @throws org.coreinfer.error.CoreInferException if a field is missing or of the wrong type
   */
  void read(TaskRecord record, Consumer<Example> examples);
}
