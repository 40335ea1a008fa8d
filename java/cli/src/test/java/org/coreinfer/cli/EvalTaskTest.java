package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.coreinfer.generation.Cancellation;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code eval --task}. */
class EvalTaskTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @SuppressWarnings("NullAway.Init")
  private String task;

  @BeforeEach
  void writeTask() throws IOException {
    Path file = folder.resolve("task.jsonl");
    Files.writeString(
        file,
        """
        {"question": "Who likes to play?", "answers": ["the dog", "Tom"]}
        {"question": "What color is the ball?", "answers": ["red"]}
        {"question": "Where is the cat?", "answers": ["in the tree"]}
        """);
    task = file.toString();
  }

  private Command.Outcome eval(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--task", task));
    return Command.run(Command.withModel("eval", all.toArray(String[]::new)));
  }

  private static List<String> names(JsonArray metrics) {
    List<String> names = new ArrayList<>();
    for (JsonElement metric : metrics) {
      names.add(metric.getAsJsonObject().get("name").getAsString());
    }
    return names;
  }

  @Test
  void jsonIsOneObjectWithScoresAndTheirIntervals() {
    JsonObject json = eval("--json", "--shots", "1", "--keep", "0.5", "--max-tokens", "8").json();
    assertEquals(
        Set.of(
            "format",
            "kind",
            "examples",
            "skipped",
            "shots",
            "shots_shown",
            "max_tokens",
            "seed",
            "metrics",
            "same_answer",
            "same_scored",
            "keep_measured",
            "rates"),
        json.keySet());
    assertEquals("qa", json.get("kind").getAsString());
    assertEquals(3, json.get("examples").getAsInt());
    assertEquals(8, json.get("max_tokens").getAsInt());
    assertEquals(0.5, json.get("keep_measured").getAsDouble(), 0.01);
    JsonArray metrics = json.getAsJsonArray("metrics");
    assertEquals(List.of("exact_match", "f1", "bleu", "rouge_l"), names(metrics));
    JsonObject metric = metrics.get(0).getAsJsonObject();
    assertEquals(Set.of("name", "dense", "core", "difference"), metric.keySet());
    assertEquals(Set.of("value", "low", "high"), metric.getAsJsonObject("core").keySet());
    assertEquals(Set.of("prefill", "dense", "core"), json.getAsJsonObject("rates").keySet());
  }

  @Test
  void aTableIsForPeople() {
    Command.Outcome outcome = eval("--shots", "0", "--limit", "2", "--max-tokens", "4").done();
    assertEquals("", outcome.err());
    for (String word : new String[] {"2 examples", "exact_match", "core - dense", "tokens/s"}) {
      assertTrue(outcome.out().contains(word), outcome.out());
    }
    outcome.out().lines().forEach(line -> assertTrue(line.length() <= 100, line));
  }

  @Test
  void everyNeuronKeptAnswersAsDenseDoes() {
    JsonObject json = eval("--json", "--shots", "2", "--keep", "1", "--max-tokens", "8").json();
    assertEquals(1, json.get("same_answer").getAsDouble());
    assertEquals(1, json.get("keep_measured").getAsDouble());
  }

  @Test
  void theKindMayBeAnother() {
    JsonObject json =
        eval("--json", "--shots", "0", "--task-kind", "summarization", "--max-tokens", "4").json();
    assertEquals("summarization", json.get("kind").getAsString());
    assertEquals("rouge_l", names(json.getAsJsonArray("metrics")).get(0));
  }

  @Test
  void answersAreWrittenForReaders() throws IOException {
    Path answers = folder.resolve("answers.jsonl");
    eval("--shots", "1", "--max-tokens", "4", "--answers", answers.toString()).done();
    List<String> lines = Files.readAllLines(answers);
    assertEquals(3, lines.size());
    JsonObject first = JsonParser.parseString(lines.get(0)).getAsJsonObject();
    assertEquals(Set.of("where", "prompt", "references", "dense", "core"), first.keySet());
    String prompt = first.get("prompt").getAsString();
    assertTrue(prompt.endsWith("\n\nQuestion: Who likes to play?\nAnswer:"), prompt);
    String sentence =
        eval("--shots", "1", "--max-tokens", "4", "--answers", folder.toString()).sentence(1);
    assertTrue(sentence.contains("cannot be written"), sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "--shots,-1",
    "--shots,3",
    "--limit,0",
    "--max-tokens,0",
    "--seed,x",
    "--task-kind,riddle",
    "--into,de",
    "--prompt-fraction,0.4",
    "--max-documents,3",
    "--layers,0..99",
    "--keep,2"
  })
  void aBadValueIsOneSentenceThatNamesTheOption(String option, String value) {
    String sentence =
        option.equals("--shots")
            ? eval(option, value).sentence(2)
            : eval("--shots", "0", option, value).sentence(2);
    assertTrue(sentence.startsWith("coreinfer eval: "), sentence);
    assertTrue(sentence.contains(option), sentence);
  }

  @Test
  void aTextOrATaskIsEvaluatedNotBoth() {
    assertTrue(eval("--text", task).sentence(2).contains("can't be used together"));
    String neither = Command.run("eval").sentence(2);
    assertTrue(neither.contains("--text") && neither.contains("--task"), neither);
    String sentence = Command.run("eval", "--text", task, "--shots", "1").sentence(2);
    assertTrue(sentence.contains("--shots: works with --task only"), sentence);
  }

  @Test
  void aKindThatTheFileDoesNotSuitIsOneSentence() {
    String sentence = eval("--shots", "0", "--task-kind", "reading").sentence(1);
    assertTrue(sentence.contains("task.jsonl: line 1: has no context"), sentence);
  }

  @Test
  void aBrokenFileIsOneSentence() throws IOException {
    Files.writeString(Path.of(task), "{\"question\": \"q\", \"answers\": []}");
    assertTrue(eval().sentence(1).contains("line 1: has no answer"));
    Files.delete(Path.of(task));
    assertTrue(eval().sentence(1).contains("no such file"));
  }

  @Test
  void whoTurnsAwayGetsNoScores() {
    Cancellation cancellation = new Cancellation();
    cancellation.cancel();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Command.Outcome outcome =
        Command.run(
            new byte[0],
            false,
            out,
            cancellation,
            Command.withModel("eval", "--shots", "0", "--task", task));
    assertEquals(130, outcome.code());
    assertEquals("", outcome.out());
  }
}
