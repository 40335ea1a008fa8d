package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coreinfer.error.CoreInferException;

/**
 * How an example is put to a model. Examples that are shown come before, with their answers, and a
 * blank line after each.
 *
 * @param form the text, with the names of {@link Example#fields} in braces
 * @param gap what stands between the text and its answer; models write it themselves
 */
public record PromptTemplate(String form, String gap) {
  private static final Pattern NAME = Pattern.compile("\\{([a-z]+)}");
  private static final String BETWEEN = "\n\n";

  /**
   * The prompt of {@code asked}, after {@code shown} examples.
   *
   * @throws CoreInferException if an example lacks a field
   */
  public String prompt(List<Example> shown, Example asked) {
    StringBuilder prompt = new StringBuilder();
    for (Example example : shown) {
      prompt.append(filled(example)).append(gap).append(example.shown()).append(BETWEEN);
    }
    return prompt.append(filled(asked)).toString();
  }

  private String filled(Example example) {
    return NAME.matcher(form)
        .replaceAll(name -> Matcher.quoteReplacement(field(example, name.group(1))));
  }

  private static String field(Example example, String name) {
    String value = example.fields().get(name);
    if (value == null) {
      throw new CoreInferException(
          example.where() + ": has no " + name + ", for which the task's prompt asks");
    }
    return value;
  }
}
