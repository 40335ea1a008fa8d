package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.coreinfer.ModelSummary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** show, eval and doctor. */
class ReportCommandsTest {
  private static final String STORY =
      "Once upon a time, there was a little girl. She liked to play in the park with her dog.";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private String texts(String... documents) throws IOException {
    Path file = folder.resolve("texts.txt");
    return Files.writeString(file, String.join("\n<|endoftext|>\n", documents)).toString();
  }

  @Test
  void evalPrintsTheKeysOfTheContract() throws IOException {
    String[] arguments =
        Command.withModel("eval", "--json", "--keep", "0.5", "--text", texts(STORY, STORY));
    JsonObject json = Command.run(arguments).json();
    assertEquals(
        Set.of(
            "documents", "tokens", "dense", "method", "rule", "alpha", "keep", "refresh", "core"),
        json.keySet());
    JsonObject dense = json.getAsJsonObject("dense");
    JsonObject core = json.getAsJsonObject("core");
    assertEquals(Set.of("nll", "perplexity", "bytes_per_token", "intervals"), dense.keySet());
    assertEquals(EvalListsTest.CORE_KEYS, core.keySet());
    assertEquals(2, json.get("documents").getAsInt());
    assertEquals(0.5, core.get("keep_measured").getAsDouble(), 0.01);
    assertEquals(
        Math.exp(dense.get("nll").getAsDouble()), dense.get("perplexity").getAsDouble(), 1e-9);
  }

  @Test
  void evalOfEveryNeuronIsDense() throws IOException {
    String[] arguments =
        Command.withModel("eval", "--json", "--method", "dense", "--text", texts(STORY));
    JsonObject json = Command.run(arguments).json();
    JsonObject core = json.getAsJsonObject("core");
    assertEquals(json.getAsJsonObject("dense").get("nll"), core.get("nll"));
    assertEquals(0, core.get("kl").getAsDouble());
    assertEquals(1, core.get("keep_measured").getAsDouble());
  }

  @Test
  void evalCutsDocumentsToTheContextAndTakesTheFirst() throws IOException {
    String[] arguments =
        Command.withModel(
            "eval",
            "--json",
            "--context",
            "12",
            "--max-documents",
            "2",
            "--prompt-fraction",
            "0.25",
            "--text",
            texts(STORY, STORY, STORY));
    JsonObject json = Command.run(arguments).json();
    assertEquals(2, json.get("documents").getAsInt());
    assertEquals(2 * (12 - 3), json.get("tokens").getAsInt());
  }

  @Test
  void evalPrintsATableForPeople() throws IOException {
    Command.Outcome outcome =
        Command.run(Command.withModel("eval", "--keep", "0.5", "--text", texts(STORY))).done();
    assertTrue(outcome.out().contains("KL divergence"), outcome.out());
    assertEquals("", outcome.err());
  }

  @Test
  void evalOfAnEmptyFileIsAFailure() throws IOException {
    String sentence = Command.run(Command.withModel("eval", "--text", texts("", "\n"))).sentence(1);
    assertTrue(sentence.contains("no document"), sentence);
  }

  @Test
  void showDescribesTheModelFile() {
    JsonObject json = Command.run(Command.withModel("show", "--json", "--keep", "0.5")).json();
    ModelSummary summary = Command.model().summarize();
    assertEquals(summary.name(), json.get("model").getAsString());
    assertEquals(
        summary.config().layers(), json.getAsJsonObject("architecture").get("layers").getAsInt());
    JsonObject perToken = json.getAsJsonObject("per_token");
    long dense = perToken.get("dense_bytes").getAsLong();
    long core = perToken.get("core_bytes").getAsLong();
    double half = perToken.get("ffn_bytes").getAsLong() / 2.0;
    assertEquals(1, (core + half) / dense, 0.01, json.toString());
    assertEquals(
        summary.memoryPlan().needed(), json.getAsJsonObject("memory").get("needed").getAsLong());
    String text = Command.run(Command.withModel("show", "--keep", "0.6")).done().out();
    for (String word : new String[] {"architecture", "FFN", "tokenizer", "memory", "at keep 0.6"}) {
      assertTrue(text.contains(word), text);
    }
  }

  @Test
  void showPlansTheMemoryOfAGpu() {
    JsonObject all =
        Command.run(Command.withModel("show", "--json", "--gpu-memory", "1.5G"))
            .json()
            .getAsJsonObject("gpu_memory");
    assertEquals(1536L << 20, all.get("limit").getAsLong());
    assertEquals(0, all.getAsJsonArray("streamed_layers").size());
    assertEquals(0, all.get("token_streams").getAsLong());
    long needed = all.get("needed").getAsLong();

    String less = Long.toString(needed - 1);
    String text = Command.run(Command.withModel("show", "--gpu-memory", less)).done().out();
    assertTrue(text.contains("stay in host memory"), text);

    String sentence = Command.run(Command.withModel("show", "--gpu-memory", "1M")).sentence(1);
    assertTrue(sentence.contains("needs at least"), sentence);
    assertFalse(Command.run(Command.withModel("show")).done().out().contains("GPU memory"));
  }

  @Test
  void doctorSaysOfEachThingHowItIs() {
    Command.Outcome outcome = Command.run("doctor", "--json");
    assertEquals("", outcome.err());
    JsonObject json = new Command.Outcome(0, outcome.out(), "").json();
    assertEquals(Set.of("ok", "checks"), json.keySet());
    assertEquals(json.get("ok").getAsBoolean() ? 0 : 1, outcome.code());
    json.getAsJsonArray("checks")
        .forEach(
            check -> {
              JsonObject object = check.getAsJsonObject();
              assertEquals(Set.of("name", "status", "detail", "advice"), object.keySet());
              assertTrue(Set.of("ok", "warn", "fail").contains(object.get("status").getAsString()));
              assertFalse(object.get("detail").getAsString().isEmpty());
            });
    String text = Command.run("doctor").out();
    assertEquals(json.getAsJsonArray("checks").size(), text.lines().count());
  }
}
