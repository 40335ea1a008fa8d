package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.Map;

/**
 * One thing to ask, and what may be answered.
 *
 * @param where its file and record, for messages
 * @param fields the parts of the prompt by the names that templates use: {@value #INPUT}, and some
 *     of {@value #CONTEXT}, {@value #FROM} and {@value #INTO}
 * @param shown the answer where the example is shown to the model
 * @param references answers that are right, at least one
 */
public record Example(
    String where, Map<String, String> fields, String shown, List<String> references) {
  /** The question, the text to translate or to sum up. */
  public static final String INPUT = "input";

  /** The text that a question is about. */
  public static final String CONTEXT = "context";

  /** The language of the input, in English. */
  public static final String FROM = "from";

  /** The language of the answer, in English. */
  public static final String INTO = "into";

  public Example {
    fields = Map.copyOf(fields);
    references = List.copyOf(references);
    if (references.isEmpty()) {
      throw new IllegalArgumentException(where + ": an example needs a reference");
    }
  }

  /** An example whose first reference is shown. */
  static Example of(TaskRecord record, Map<String, String> fields, List<String> references) {
    return new Example(record.where(), fields, references.get(0), references);
  }
}
