package org.coreinfer.evaluation.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.coreinfer.TestData;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Formats on the published files, and on small ones where those are not at hand. */
class TaskFileTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static Task published(String name) {
    return published(name, null);
  }

  private static Task published(String name, @Nullable String into) {
    return TaskFile.read(TestData.shared("data/corpora/" + name), into);
  }

  private Task small(String text) throws IOException {
    return TaskFile.read(Files.writeString(folder.resolve("task"), text), null);
  }

  @ParameterizedTest
  @CsvSource({
    "triviaqa-truthx.csv,questions with answers,qa,3610",
    "natural-questions-truthx.csv,questions with answers,qa,3610",
    "truthfulqa.csv,TruthfulQA,qa,817",
    "truthfulqa-mc_task.json,TruthfulQA MC1,choice,817",
    "hf-samples/SQUAD-sample.json,SQuAD,reading,14",
    "xquad.en.json,SQuAD,reading,1190",
    "xquad.de.json,SQuAD,reading,1190",
    "hf-samples/wmt16-sample.json,WMT,translation,10",
    "hf-samples/wmt_en_ro-test.json,WMT,translation,20",
    "hf-samples/xsum-sample.json,plain,summarization,10",
    "xsum-1shot.jsonl,'XSum, one-shot prompts',summarization,851",
    "gsm8k-test.json,instructions,arithmetic,1319",
    "boolq-valid.json,instructions,qa,3270",
    "arc-challenge-test.json,instructions,qa,1172"
  })
  void publishedFilesAreRecognizedAndReadToTheEnd(
      String name, String format, String kind, int examples) {
    Task task = published(name);
    assertEquals(format, task.format());
    assertEquals(kind, task.kind().label());
    assertEquals(examples, task.examples().size());
    FewShotPrompts prompts = new FewShotPrompts(task, 2, 1);
    for (int i = 0; i < examples; i++) {
      String prompt = prompts.prompt(prompts.shown(i), i);
      assertTrue(prompt.contains(task.examples().get(i).fields().getOrDefault("input", "?")));
      assertEquals(task.kind().stop(), "\n");
      assertFalse(task.examples().get(i).shown().contains("\n"), task.examples().get(i).where());
    }
  }

  @Test
  void answersOfQuestionTablesAreSeparatedBySemicolons() {
    Example example = published("triviaqa-truthx.csv").examples().get(0);
    assertEquals(
        "What general name is given to a rotating star which emits a regular beat of radiation?",
        example.fields().get(Example.INPUT));
    assertEquals(List.of("Yukon Optics", "PULSAR", "Beltex Optics"), example.references());
    Example quoted = published("triviaqa-truthx.csv").examples().get(1);
    assertEquals("Ruddigore, The Witch's Curse", quoted.references().get(3));
    assertTrue(quoted.where().endsWith("triviaqa-truthx.csv: line 3"), quoted.where());
  }

  @Test
  void truthfulQaShowsTheBestAnswer() {
    Example example = published("truthfulqa.csv").examples().get(0);
    assertEquals("The watermelon seeds pass through your digestive system", example.shown());
    assertEquals(6, example.references().stream().distinct().count(), example.toString());
    assertTrue(example.references().contains("Nothing happens"));
  }

  @Test
  void choicesAreLetteredAndTheTrueOneStandsAnywhere() {
    Task task = published("truthfulqa-mc_task.json");
    Example first = task.examples().get(0);
    String input = String.valueOf(first.fields().get(Example.INPUT));
    assertTrue(input.startsWith("What happens if you eat a pomegranate?\nA. "), input);
    String right = "\n" + first.shown() + ". Nothing in particular happens";
    assertTrue(input.contains(right), input);
    for (String letter : new String[] {"A", "B", "C", "D"}) {
      long count = task.examples().stream().filter(e -> e.shown().equals(letter)).count();
      assertTrue(count > 100, letter + " is right " + count + " times");
    }
  }

  @Test
  void squadHasContextAndQuestionsWithoutAnswer() {
    Task task = published("hf-samples/SQUAD-sample.json");
    Example first = task.examples().get(0);
    assertEquals(List.of("France"), first.references());
    assertTrue(String.valueOf(first.fields().get(Example.CONTEXT)).startsWith("The Normans"));
    Example last = task.examples().get(13);
    assertEquals(List.of("unanswerable"), last.references());
    Example nested = published("xquad.en.json").examples().get(0);
    assertEquals(List.of("308"), nested.references());
    assertTrue(nested.where().endsWith("record 1, paragraphs.0, qas.0"), nested.where());
  }

  @Test
  void translationsGoIntoEnglishUnlessAskedOtherwise() {
    Example english = published("hf-samples/wmt16-sample.json").examples().get(0);
    assertEquals(List.of("Membership of Parliament: see Minutes"), english.references());
    assertEquals("Romanian", english.fields().get(Example.FROM));
    Example romanian = published("hf-samples/wmt16-sample.json", "ro").examples().get(0);
    assertEquals("Membership of Parliament: see Minutes", romanian.fields().get(Example.INPUT));
    assertEquals("Romanian", romanian.fields().get(Example.INTO));
  }

  @Test
  void oneShotPromptsLoseTheirOwnShot() {
    Example example = published("xsum-1shot.jsonl").examples().get(0);
    String article = String.valueOf(example.fields().get(Example.INPUT));
    assertTrue(article.startsWith("Prison Link Cymru had 1,099 referrals"), article);
    assertFalse(article.contains("Summarize"), article);
    String prompt = TaskKind.SUMMARIZATION.template().prompt(List.of(), example);
    assertTrue(prompt.endsWith("\n\nSummarize the above article in 1 sentence.\n"), prompt);
  }

  @Test
  void wordProblemsShowReasoningThatIsRightAndScoreTheNumber() {
    Task task = published("gsm8k-test.json");
    Example example = task.examples().get(0);
    assertTrue(example.shown().startsWith("He needs 24 tiles"), example.shown());
    assertEquals("576", task.kind().extract(example.references().get(0)));
    assertEquals("The answer is 120.", task.examples().get(1).shown());
    assertEquals("The answer is 650.", task.examples().get(83).shown());
    for (Example each : task.examples()) {
      String reference = each.references().get(0);
      assertEquals(task.kind().extract(reference), task.kind().extract(each.shown()), each.where());
    }
  }

  @Test
  void triviaQaIsReadAsPublishedAndAsHuggingFaceKeepsIt() throws IOException {
    String published =
        """
        {"Data": [{"Question": "Who?", "QuestionId": "1",
          "Answer": {"Value": "Sinclair Lewis", "Aliases": ["Harry Lewis", "Sinclair Lewis"]}}],
         "Domain": "Web"}
        """;
    String rows =
        """
        {"question": "Who?", "answer": {"value": "Sinclair Lewis", "aliases": ["Harry Lewis"]}}
        """;
    for (String text : new String[] {published, rows}) {
      Task task = small(text);
      assertEquals("TriviaQA", task.format());
      Example example = task.examples().get(0);
      assertEquals("Sinclair Lewis", example.shown());
      assertEquals(List.of("Sinclair Lewis", "Harry Lewis"), example.references());
    }
  }

  @Test
  void thePlainFormatTellsItsKindByItsFields() throws IOException {
    assertEquals("qa", small("{\"question\":\"q\",\"answers\":[\"a\",\"b\"]}").kind().label());
    assertEquals("reading", small("question,context,answer\nq,c,a\n").kind().label());
    assertEquals("completion", small("[{\"prompt\":\"p\",\"target\":\"t\"}]").kind().label());
    assertEquals("summarization", small("article,highlights\nq,c\n").kind().label());
    Task choice = small("{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":\"y\"}\n");
    assertEquals("choice", choice.kind().label());
    assertEquals("B", choice.examples().get(0).shown());
    assertEquals("q\nA. x\nB. y", choice.examples().get(0).fields().get(Example.INPUT));
    Task translation =
        small(
            "{\"source\":\"Hallo\",\"from\":\"German\",\"into\":\"English\",\"reference\":\"Hello\"}");
    assertEquals(
        Map.of("input", "Hallo", "from", "German", "into", "English"),
        translation.examples().get(0).fields());
    Task both =
        small("{\"question\":\"q\",\"answer\":\"a\"}\n\n{\"question\":\"r\",\"answer\":1}\n");
    assertEquals(List.of("1"), both.examples().get(1).references());
    assertTrue(both.examples().get(1).where().endsWith("task: line 3"));
  }
}
