package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {
  private static String[] arguments(String... more) {
    List<String> all = new ArrayList<>(List.of("--backend", "cpu", "-r", "2"));
    all.addAll(List.of(more));
    return Command.withModel("bench", all.toArray(String[]::new));
  }

  private static List<JsonObject> results(String... more) {
    Command.Outcome outcome = Command.run(arguments(more)).done();
    assertTrue(outcome.err().contains("read bandwidth: "), outcome.err());
    JsonArray array = JsonParser.parseString(outcome.out()).getAsJsonArray();
    List<JsonObject> results = new ArrayList<>();
    for (JsonElement element : array) {
      results.add(element.getAsJsonObject());
    }
    return results;
  }

  @Test
  void measuresEachLengthWithEachKeep() {
    List<JsonObject> results =
        results(
            "-p",
            "20,70",
            "-n",
            "3,9",
            "--keep",
            "1,0.4",
            "--threads",
            "1",
            "--activation-bits",
            "8",
            "-o",
            "json");
    List<String> tests =
        results.stream().map(r -> r.get("test").getAsString() + " " + r.get("keep")).toList();
    assertEquals(
        List.of(
            "pp20 1.0",
            "pp70 1.0",
            "tg3 1.0",
            "tg9 1.0",
            "pp20 0.4",
            "pp70 0.4",
            "tg3 0.4",
            "tg9 0.4"),
        tests);
    for (JsonObject result : results) {
      JsonObject rate = result.getAsJsonObject("tokens_per_second");
      double median = rate.get("median").getAsDouble();
      assertTrue(rate.get("min").getAsDouble() > 0 && rate.get("min").getAsDouble() <= median);
      assertTrue(rate.get("max").getAsDouble() >= median);
      assertEquals("cpu", result.get("backend").getAsString());
      assertEquals(1, result.get("threads").getAsInt());
      assertEquals(8, result.get("activation_bits").getAsInt());
      assertTrue(result.get("bandwidth").getAsDouble() > 1e6);
      boolean isPrompt = result.get("test").getAsString().startsWith("pp");
      assertEquals(isPrompt, result.get("bytes_per_token").isJsonNull());
      assertEquals(isPrompt, result.get("bandwidth_fraction").isJsonNull());
    }
  }

  @Test
  void bytesAreThoseOfTheNeuronsThatAreComputed() {
    List<JsonObject> results = results("-p", "0", "-n", "4", "--keep", "1,0.25", "-o", "json");
    JsonObject shown =
        Command.run(Command.withModel("show", "--keep", "0.25", "--json"))
            .json()
            .getAsJsonObject("per_token");
    assertEquals(
        shown.get("dense_bytes").getAsLong(), results.get(0).get("bytes_per_token").getAsLong());
    long core = results.get(1).get("bytes_per_token").getAsLong();
    assertEquals(shown.get("core_bytes").getAsDouble(), (double) core, 0.02 * core);
    JsonObject one = results.get(1);
    double rate = one.getAsJsonObject("tokens_per_second").get("median").getAsDouble();
    double fraction = rate * core / one.get("bandwidth").getAsDouble();
    assertEquals(fraction, one.get("bandwidth_fraction").getAsDouble(), 1e-9);
  }

  @Test
  void aRefreshReadsMore() {
    List<JsonObject> plain = results("-p", "0", "-n", "8", "--keep", "0.25", "-o", "json");
    List<JsonObject> renewed =
        results("-p", "0", "-n", "8", "--keep", "0.25", "--refresh", "2", "-o", "json");
    assertTrue(
        renewed.get(0).get("bytes_per_token").getAsLong()
            > plain.get(0).get("bytes_per_token").getAsLong());
  }

  @Test
  void answersBeginWhereTheyAreAskedTo() {
    JsonObject deep =
        results("-p", "0", "-n", "4", "--depth", "100", "--method", "dense", "-o", "json").get(0);
    assertEquals(100, deep.get("depth").getAsInt());
    assertEquals("dense", deep.get("method").getAsString());
  }

  @Test
  void printsTablesForPeopleAndSpreadsheets() {
    List<String> lines =
        Command.run(arguments("-p", "8", "-n", "4", "--method", "stability", "--keep", "0.4"))
            .done()
            .out()
            .lines()
            .toList();
    assertEquals(4, lines.size());
    assertTrue(lines.get(0).startsWith("| model | dtype | backend | threads |"), lines.get(0));
    assertTrue(lines.get(1).startsWith("| --- | --- |"), lines.get(1));
    assertTrue(lines.get(2).contains("| stability | 0.4 | pp8 | "), lines.get(2));
    assertTrue(lines.get(3).endsWith(" % |"), lines.get(3));
    List<String> csv =
        Command.run(arguments("-p", "8", "-n", "4", "--keep", "0.4", "-o", "csv"))
            .done()
            .out()
            .lines()
            .toList();
    assertEquals(3, csv.size());
    csv.forEach(line -> assertEquals(12, line.split(",").length, line));
  }

  @ParameterizedTest
  @CsvSource({
    "-p, -1, --prompt",
    "-n, -1, --max-tokens",
    "-n, many, --max-tokens",
    "-d, -1, --depth",
    "-r, 0, --rounds",
    "-o, xml, --output",
    "--keep, 2, --keep",
    "--threads, -1, --threads",
    "--layers, 0..99, --layers",
    "-p, 1000000, --context"
  })
  void aBadValueIsOneSentenceThatNamesTheOption(String option, String value, String named) {
    String[] arguments = Command.withModel("bench", "--backend", "cpu", option, value);
    String sentence = Command.run(arguments).sentence(2);
    assertTrue(sentence.startsWith("coreinfer bench: "), sentence);
    assertTrue(sentence.contains(named), sentence);
  }

  @Test
  void refusesWhatItCannotMeasure() {
    String nothing = Command.run(arguments("-p", "0", "-n", "0")).sentence(2);
    assertTrue(nothing.contains("expected tokens to read or to decode"), nothing);
    String drafts = Command.run(arguments("--keep", "0.4", "--lossless")).sentence(2);
    assertTrue(drafts.contains("--lossless"), drafts);
  }
}
