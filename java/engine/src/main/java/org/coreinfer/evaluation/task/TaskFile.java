package org.coreinfer.evaluation.task;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * Reads task files: CSV with a header, one JSON value, or one JSON object per line. The format is
 * recognized by the fields of the first record; the file's name says nothing.
 */
public final class TaskFile {
  private TaskFile() {}

  /** Every format; the first that recognizes a file reads it. */
  private static List<TaskFormat> formats(@Nullable String into) {
    return List.of(
        new TruthfulQaFormat(),
        new TruthfulQaChoiceFormat(),
        new SquadFormat(),
        new TriviaQaFormat(),
        new QuestionTableFormat(),
        new TranslationFormat(into),
        new InstructionFormat(),
        new OneShotSummaryFormat(),
        new PlainFormat());
  }

  /**
   * The examples of a file.
   *
   * @param into the code of the language to translate into, such as {@code de}; null for English,
   *     or for the other language where the file has no English
   * @throws CoreInferException if the file can't be read, or is of no known format, or a record of
   *     it is broken
   */
  public static Task read(Path file, @Nullable String into) {
    List<TaskRecord> records = RecordFile.read(file);
    if (records.isEmpty()) {
      throw new CoreInferException(file + ": has no records");
    }
    TaskRecord first = records.get(0);
    TaskFormat format =
        formats(into).stream()
            .filter(candidate -> candidate.isOf(first))
            .findFirst()
            .orElseThrow(() -> unknown(first));
    List<Example> examples = new ArrayList<>();
    records.forEach(record -> format.read(record, examples::add));
    if (examples.isEmpty()) {
      throw new CoreInferException(file + ": has no examples");
    }
    return new Task(format.name(), format.kind(first), examples);
  }

  private static CoreInferException unknown(TaskRecord first) {
    return first.wrong(
        "no task format has the fields "
            + String.join(", ", first.names())
            + "; the plain one has question, source, document or prompt, and answers");
  }
}
