package org.coreinfer.evaluation.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coreinfer.error.CoreInferException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FewShotPromptsTest {
  private static Task questions(String... inputs) {
    List<Example> examples = new ArrayList<>();
    for (String input : inputs) {
      Map<String, String> fields = Map.of(Example.INPUT, input);
      examples.add(new Example("line", fields, "a " + input, List.of("a " + input)));
    }
    return new Task("test", TaskKind.QUESTION_ANSWERING, examples);
  }

  @Test
  void shownExamplesComeWithTheirAnswersAndABlankLine() {
    FewShotPrompts prompts = new FewShotPrompts(questions("1?", "2?"), 1, 0);
    assertEquals(
        "Question: 2?\nAnswer: a 2?\n\nQuestion: 1?\nAnswer:", prompts.prompt(prompts.shown(0), 0));
    assertEquals("Question: 1?\nAnswer:", prompts.prompt(List.of(), 0));
  }

  @Test
  void theAskedQuestionIsNeverShownNotEvenFromElsewhereInTheFile() {
    Task task = questions("1?", "2?", "1?", "3?", "4?");
    for (long seed = 0; seed < 50; seed++) {
      FewShotPrompts prompts = new FewShotPrompts(task, 3, seed);
      for (int asked = 0; asked < 5; asked++) {
        List<Example> shown = prompts.shown(asked);
        assertEquals(3, shown.size());
        assertFalse(shown.contains(task.examples().get(asked)));
      }
    }
  }

  @Test
  void theDrawDependsOnTheSeedAlone() {
    String[] inputs = new String[100];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = i + "?";
    }
    Task task = questions(inputs);
    List<Example> shown = new FewShotPrompts(task, 5, 3).shown(7);
    assertEquals(shown, new FewShotPrompts(task, 5, 3).shown(7));
    assertNotEquals(shown, new FewShotPrompts(task, 5, 4).shown(7));
    assertNotEquals(shown, new FewShotPrompts(task, 5, 3).shown(8));
  }

  @Test
  void moreShotsThanOtherExamplesAreRefused() {
    for (int shots : new int[] {-1, 2}) {
      String message =
          String.valueOf(
              assertThrows(
                      IllegalArgumentException.class,
                      () -> new FewShotPrompts(questions("1?", "1?", "2?"), shots, 0))
                  .getMessage());
      assertTrue(message.startsWith("shots=" + shots + ": expected 0 to 1"), message);
    }
  }

  @Test
  void aTemplateNamesTheFieldThatAnExampleLacks() {
    Task task = questions("1?", "2?").as(TaskKind.READING_COMPREHENSION);
    String message =
        String.valueOf(
            assertThrows(CoreInferException.class, () -> new FewShotPrompts(task, 1, 0))
                .getMessage());
    assertTrue(message.startsWith("line: has no context"), message);
  }

  @Test
  void bracesInAQuestionAreText() {
    FewShotPrompts prompts = new FewShotPrompts(questions("{input} $1 \\ {x}"), 0, 0);
    assertEquals("Question: {input} $1 \\ {x}\nAnswer:", prompts.prompt(List.of(), 0));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "arithmetic,` 3 * 4 = 12. The answer is 1,200.50.`,1200.5",
        "arithmetic,576.0,576",
        "arithmetic,no number,``",
        "arithmetic,` minus -7`,-7",
        "arithmetic,100,100",
        "choice,` B. because A`,B",
        "choice,` (C)`,C",
        "choice,` because`,``",
        "qa,` Paris `,Paris"
      })
  void onlyTheAnswerItselfIsScored(String kind, String text, String expected) {
    assertEquals(expected, TaskKind.of(kind).extract(text));
  }
}
