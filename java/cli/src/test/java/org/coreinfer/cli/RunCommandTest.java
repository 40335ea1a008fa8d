package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.coreinfer.generation.Cancellation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunCommandTest {
  private static final String PROMPT = "Once upon a time";

  private static Command.Outcome run(String... arguments) {
    return Command.run(Command.withModel("run", arguments));
  }

  private static JsonObject json(String... arguments) {
    String[] all = Arrays.copyOf(arguments, arguments.length + 3);
    all[arguments.length] = "--json";
    all[arguments.length + 1] = "-p";
    all[arguments.length + 2] = PROMPT;
    return run(all).json();
  }

  @Test
  void theCompletionAloneIsOnStdoutAndEqualsTheTextOfJson() {
    Command.Outcome outcome = run("-p", PROMPT, "-n", "24").done();
    String text = json("-n", "24").get("text").getAsString();
    assertFalse(text.isEmpty());
    assertEquals(text.endsWith("\n") ? text : text + "\n", outcome.out());
    assertTrue(
        outcome
            .err()
            .matches(
                "prefill \\d+ tokens, .*; decode 23 tokens, .*auto, keep 0\\.\\d+, rule relative.*\n"),
        outcome.err());
  }

  @Test
  void losslessTextIsThatOfDenseDecoding() {
    JsonObject dense = json("-n", "40", "--method", "dense");
    assertTrue(dense.get("lossless").isJsonNull());
    JsonObject lossless = json("-n", "40", "--keep", "0.8", "--lossless");
    assertEquals(dense.get("tokens"), lossless.get("tokens"));
    JsonObject drafts = lossless.getAsJsonObject("lossless");
    assertEquals(
        Set.of("drafted", "accepted", "acceptance", "passes", "tokens_per_pass"), drafts.keySet());
    int accepted = drafts.get("accepted").getAsInt();
    assertTrue(accepted <= drafts.get("drafted").getAsInt());
    assertTrue(accepted + drafts.get("passes").getAsInt() >= 39);
    Command.Outcome outcome = run("-p", PROMPT, "-n", "24", "--keep", "0.8", "--lossless").done();
    assertTrue(
        outcome
            .err()
            .matches(
                "prefill .*lossless: \\d+ of \\d+ drafts accepted, \\d+\\.\\d tokens per pass;"
                    + " .*\n"),
        outcome.err());
  }

  @Test
  void jsonHasTheKeysOfTheContract() {
    JsonObject json = json("-n", "8", "--keep", "0.3", "--rule", "norm", "--alpha", "0.5");
    assertEquals(
        Set.of(
            "model",
            "backend",
            "prompt_tokens",
            "tokens",
            "text",
            "finish_reason",
            "core",
            "lossless",
            "timings"),
        json.keySet());
    JsonObject core = json.getAsJsonObject("core");
    assertEquals(
        Set.of("method", "rule", "alpha", "keep", "neurons_per_layer", "refreshes", "drift"),
        core.keySet());
    assertEquals("stability", core.get("method").getAsString());
    assertEquals("norm", core.get("rule").getAsString());
    assertEquals(0.3, core.get("keep").getAsDouble());
    assertEquals(0.5, core.get("alpha").getAsDouble());
    assertEquals(
        Set.of(
            "load_ms",
            "prefill_ms",
            "select_ms",
            "decode_ms",
            "refresh_ms",
            "prefill_tokens_per_second",
            "decode_tokens_per_second"),
        json.getAsJsonObject("timings").keySet());
    assertEquals("cpu", json.get("backend").getAsString());
    assertEquals("length", json.get("finish_reason").getAsString());
    assertEquals(8, json.getAsJsonArray("tokens").size());
  }

  @Test
  void refreshesAreCountedWithTheirDriftAndTime() {
    JsonObject none = json("-n", "9", "--keep", "0.3");
    assertEquals(0, none.getAsJsonObject("core").get("refreshes").getAsInt());
    assertEquals(0, none.getAsJsonObject("timings").get("refresh_ms").getAsDouble());
    JsonObject some = json("-n", "9", "--keep", "0.3", "--refresh", "4", "--ignore-eos");
    assertEquals(2, some.getAsJsonObject("core").get("refreshes").getAsInt()); // of 8 tokens
    double drift = some.getAsJsonObject("core").get("drift").getAsDouble();
    assertTrue(drift > 0 && drift < 1, "drift " + drift);
    JsonObject timings = some.getAsJsonObject("timings");
    double took = timings.get("refresh_ms").getAsDouble();
    assertTrue(took > 0 && took <= timings.get("decode_ms").getAsDouble(), took + " ms");
    String[] again = {"-p", PROMPT, "-n", "9", "--keep", "0.3", "--refresh", "4", "--ignore-eos"};
    assertTrue(run(again).done().err().contains("refreshed 2 times"));
  }

  @Test
  void denseComputesEveryNeuronAndKeepTheAskedShare() {
    int all = neurons(json("-n", "2", "--method", "dense")).get(0);
    JsonObject dense = json("-n", "2", "--keep", "1");
    assertTrue(neurons(dense).stream().allMatch(count -> count == all));
    List<Integer> some = neurons(json("-n", "2", "--keep", "0.25", "--layers", "1..1"));
    for (int layer = 0; layer < some.size(); layer++) {
      assertEquals(layer == 1 ? Math.round(all * 0.25) : all, some.get(layer).longValue());
    }
  }

  private static List<Integer> neurons(JsonObject json) {
    List<Integer> counts = new ArrayList<>();
    JsonArray array = json.getAsJsonObject("core").getAsJsonArray("neurons_per_layer");
    for (JsonElement count : array) {
      counts.add(count.getAsInt());
    }
    return counts;
  }

  @Test
  void theSameSeedGivesTheSameTextWithAnyNumberOfThreads() {
    String[] drawn = {"-n", "24", "--temperature", "1", "--top-p", "0.95", "--seed", "5"};
    JsonElement text = null;
    for (String threads : new String[] {"1", "2", "1"}) {
      String[] arguments = Arrays.copyOf(drawn, drawn.length + 2);
      arguments[drawn.length] = "--threads";
      arguments[drawn.length + 1] = threads;
      JsonElement tokens = json(arguments).get("tokens");
      assertEquals(text == null ? tokens : text, tokens);
      text = tokens;
    }
    drawn[drawn.length - 1] = "6";
    assertFalse(json(drawn).get("tokens").equals(text));
  }

  @Test
  void stopStringsEndTheTextBeforeThem() {
    String whole = json("-n", "40").get("text").getAsString();
    String stop = whole.substring(20, 24);
    int end = whole.indexOf(stop);
    JsonObject stopped = json("-n", "40", "--stop", "never in a text", "--stop", stop);
    assertEquals("stop", stopped.get("finish_reason").getAsString());
    assertEquals(whole.substring(0, end), stopped.get("text").getAsString());
    Command.Outcome streamed = run("-p", PROMPT, "-n", "40", "--stop", stop).done();
    assertEquals(whole.substring(0, end) + "\n", streamed.out());
  }

  @Test
  void thePromptMayComeFromStdinOrAFile(@TempDir Path folder) throws IOException {
    String text = run("-p", PROMPT, "-n", "12").done().out();
    byte[] line = (PROMPT + "\n").getBytes(StandardCharsets.UTF_8);
    String[] arguments = Command.withModel("run", "-n", "12");
    assertEquals(text, Command.runWithInput(line, arguments).done().out());
    Path file = Files.write(folder.resolve("prompt.txt"), line);
    assertEquals(text, run("-f", file.toString(), "-n", "12").done().out());
  }

  @Test
  void onlyOneLineBreakAtTheEndOfAFileIsDropped(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("prompt.txt"), PROMPT + "\n\n");
    JsonObject fromFile = run("-f", file.toString(), "-n", "1", "--json").json();
    JsonObject given = run("-p", PROMPT + "\n", "-n", "1", "--json").json();
    assertEquals(given.get("prompt_tokens"), fromFile.get("prompt_tokens"));
  }

  @Test
  void aPromptThatBeginsWithAnAtSignIsText(@TempDir Path folder) throws IOException {
    String prompt = "@" + Files.writeString(folder.resolve("arguments"), "--keep 2");
    run("-p", prompt, "-n", "1").done();
  }

  @Test
  void aPromptLongerThanTheContextIsOneSentence() {
    String prompt = (PROMPT + " ").repeat(40);
    String sentence = run("-p", prompt, "--context", "32").sentence(1);
    assertTrue(sentence.contains("context"), sentence);
  }

  @Test
  void aCancelledRunKeepsTheTextSoFarAndEndsAsCtrlCDoes() {
    Cancellation cancellation = new Cancellation();
    StringBuilder seen = new StringBuilder();
    OutputStream out =
        new OutputStream() {
          @Override
          public void write(int b) {
            seen.append((char) b);
            if (seen.length() == 10) {
              cancellation.cancel();
            }
          }
        };
    String[] arguments = Command.withModel("run", "-p", PROMPT, "-n", "200", "--ignore-eos");
    Command.Outcome outcome = Command.run(new byte[0], false, out, cancellation, arguments);
    assertEquals(130, outcome.code());
    assertEquals("", outcome.err());
    String whole = run("-p", PROMPT, "-n", "200", "--ignore-eos").done().out();
    assertTrue(seen.length() >= 10 && seen.length() < 80, seen.toString());
    assertTrue(whole.startsWith(seen.toString().stripTrailing()), seen.toString());
  }

  @Test
  void aReaderThatHasGoneEndsTheRunQuietly() {
    OutputStream closed =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("Broken pipe");
          }
        };
    String[] arguments = Command.withModel("run", "-p", PROMPT, "-n", "200");
    Command.Outcome outcome =
        Command.run(new byte[0], false, closed, new Cancellation(), arguments);
    assertEquals(0, outcome.code());
    assertEquals("", outcome.err());
  }

  @Test
  void aFullDiskIsAFailure() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    String[] arguments = Command.withModel("run", "-p", PROMPT, "-n", "200");
    assertEquals(
        "coreinfer: stdout cannot be written: No space left on device",
        Command.run(new byte[0], false, full, new Cancellation(), arguments).sentence(1));
  }

  @Test
  void jsonModeAnswersWithAnObjectAndASchemaWithWhatItAccepts(@TempDir Path folder)
      throws IOException {
    String answer = run("-p", "A story as JSON:", "-n", "200", "--json-mode").done().out();
    assertTrue(answer.strip().startsWith("{"), answer);
    String schema =
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":12},"
            + "\"age\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":99}},"
            + "\"required\":[\"name\",\"age\"]}";
    String[] arguments = {
      "-p", PROMPT, "-n", "80", "--temperature", "1", "--seed", "3", "--json-schema"
    };
    String[] all = Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = schema;
    String text = run(all).done().out();
    JsonObject person = JsonParser.parseString(text).getAsJsonObject();
    assertEquals(Set.of("name", "age"), person.keySet());
    int age = person.get("age").getAsInt();
    assertTrue(age >= 1 && age <= 99, text);
    Path file = Files.writeString(folder.resolve("person.schema.json"), schema);
    all[arguments.length] = file.toString();
    assertEquals(text, run(all).done().out());
  }

  @Test
  void schemasThatAreNotSupportedAreWrongUsage() {
    String sentence = run("-p", "x", "--json-schema", "{\"not\":{}}").sentence(2);
    assertTrue(
        sentence.contains(
            "--json-schema: JSON schema, at its root: the keyword \"not\" is not supported"),
        sentence);
    run("-p", "x", "--json-schema", "{}", "--json-mode").sentence(2);
    run("-p", "x", "--json-mode", "--ignore-eos").sentence(2);
    run("-p", "x", "--json-schema", "no-such-file.json").sentence(1);
  }

  @Test
  void anAnswerKeepsToAGrammar(@TempDir Path folder) throws IOException {
    String grammar = "root ::= [A-Z] [a-z]{2,8} \".\"";
    Path file = Files.writeString(folder.resolve("word.gbnf"), "# a word\n" + grammar + "\n");
    String text = run("-p", PROMPT, "-n", "40", "--grammar", grammar).done().out();
    assertTrue(text.strip().matches("[A-Z][a-z]{2,8}[.]"), text);
    assertEquals(text, run("-p", PROMPT, "-n", "40", "--grammar", file.toString()).done().out());
  }

  @Test
  void brokenGrammarsAreWrongUsage() {
    String sentence = run("-p", "x", "--grammar", "root ::= a").sentence(2);
    assertTrue(
        sentence.contains("--grammar: grammar, line 1, column 10: there is no rule a"), sentence);
    run("-p", "x", "--grammar", "root ::= [a]", "--json-mode").sentence(2);
    run("-p", "x", "--grammar", "root ::= [a]", "--ignore-eos").sentence(2);
    run("-p", "x", "--grammar", "no-such-file.gbnf").sentence(1);
  }

  @Test
  void penaltiesChangeTheAnswer() {
    String plain = run("-p", PROMPT, "-n", "60", "--ignore-eos").done().out();
    for (String option : List.of("--frequency-penalty", "--presence-penalty")) {
      String changed = run("-p", PROMPT, "-n", "60", "--ignore-eos", option, "2").done().out();
      assertNotEquals(plain, changed);
    }
  }
}
