package org.coreinfer.evaluation.task;

import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Prompts that show other examples of the same file before the one that is asked. Which ones
 * depends on the seed and on the number of the asked one alone; none that asks the same is ever
 * shown.
 */
final class FewShotPrompts {
  private static final long STEP = 31;

  private final List<Example> examples;
  private final PromptTemplate template;
  private final int shots;
  private final long seed;

  /**
   * @param shots examples to show
   * @throws IllegalArgumentException if there are not as many others
   * @throws org.coreinfer.error.CoreInferException if an example lacks a field of the template
   */
  FewShotPrompts(Task task, int shots, long seed) {
    this.examples = task.examples();
    this.template = task.kind().template();
    this.shots = shots;
    this.seed = seed;
    int others = examples.size() - mostAlike(examples);
    if (shots < 0 || shots > others) {
      throw new IllegalArgumentException(
          "shots=%d: expected 0 to %d, as the file has %d examples"
              .formatted(shots, others, examples.size()));
    }
    examples.forEach(example -> template.prompt(List.of(), example));
  }

  /** How often the most frequent question comes. */
  private static int mostAlike(List<Example> examples) {
    Map<Map<String, String>, Integer> counts = new HashMap<>();
    examples.forEach(example -> counts.merge(example.fields(), 1, Integer::sum));
    return Collections.max(counts.values());
  }

  /** The examples shown before the one with this number. */
  List<Example> shown(int asked) {
    SplittableRandom random = new SplittableRandom(STEP * seed + asked);
    Set<Integer> drawn = new LinkedHashSet<>();
    while (drawn.size() < shots) {
      int number = random.nextInt(examples.size());
      if (!examples.get(number).fields().equals(examples.get(asked).fields())) {
        drawn.add(number);
      }
    }
    return drawn.stream().map(examples::get).toList();
  }

  /** The prompt that shows these. */
  String prompt(List<Example> shown, int asked) {
    return template.prompt(shown, examples.get(asked));
  }
}
