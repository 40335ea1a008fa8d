package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** eval with several methods, rules and keep fractions, and its pictures. */
class EvalListsTest {
  static final Set<String> CORE_KEYS =
      Set.of(
          "nll",
          "perplexity",
          "perplexity_ratio",
          "kl",
          "top1_agreement",
          "acceptance",
          "overlap",
          "keep_measured",
          "bytes_per_token",
          "intervals",
          "without_refresh",
          "lossless");

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private Command.Outcome eval(String... options) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("--text", Texts.stories(folder)));
    arguments.addAll(List.of(options));
    return Command.run(Command.withModel("eval", arguments.toArray(String[]::new)));
  }

  private static List<JsonObject> runs(JsonObject json) {
    List<JsonObject> runs = new ArrayList<>();
    for (JsonElement run : json.getAsJsonArray("runs")) {
      runs.add(run.getAsJsonObject());
    }
    return runs;
  }

  @Test
  void everyCombinationIsARunOfOneObject() throws Exception {
    JsonObject json = eval("--json", "--rule", "paper,norm", "--keep", "0.3,0.6").json();
    assertEquals(Set.of("documents", "tokens", "dense", "runs"), json.keySet());
    assertEquals(3, json.get("documents").getAsInt());
    List<String> combinations = new ArrayList<>();
    for (JsonObject run : runs(json)) {
      assertEquals(Set.of("method", "rule", "alpha", "keep", "refresh", "core"), run.keySet());
      combinations.add(run.get("rule").getAsString() + " " + run.get("keep").getAsDouble());
      JsonObject core = run.getAsJsonObject("core");
      assertEquals(CORE_KEYS, core.keySet());
      assertEquals(run.get("keep").getAsDouble(), core.get("keep_measured").getAsDouble(), 0.01);
      Set<String> measures = new HashSet<>(CORE_KEYS);
      measures.removeAll(Set.of("intervals", "without_refresh", "lossless"));
      JsonObject intervals = core.getAsJsonObject("intervals");
      assertEquals(measures, intervals.keySet());
      for (String measure : measures) {
        double low = intervals.getAsJsonArray(measure).get(0).getAsDouble();
        double high = intervals.getAsJsonArray(measure).get(1).getAsDouble();
        assertTrue(low <= high, measure);
      }
    }
    assertEquals(List.of("paper 0.3", "paper 0.6", "norm 0.3", "norm 0.6"), combinations);
  }

  @Test
  void aCombinationMeasuresAsItDoesAlone() throws Exception {
    JsonObject several = eval("--json", "--rule", "paper,norm", "--keep", "0.5").json();
    JsonObject alone = eval("--json", "--rule", "norm", "--keep", "0.5").json();
    assertEquals(alone.get("core"), runs(several).get(1).get("core"));
    assertEquals(alone.get("dense"), several.get("dense"));
  }

  @Test
  void keepOneIsDenseInEveryMeasure() throws Exception {
    JsonObject core = eval("--json", "--keep", "1").json().getAsJsonObject("core");
    assertEquals(0, core.get("kl").getAsDouble());
    for (String one : new String[] {"perplexity_ratio", "top1_agreement", "overlap"}) {
      assertEquals(1, core.get(one).getAsDouble(), one);
    }
    assertEquals(1, core.get("acceptance").getAsDouble(), 1e-9);
  }

  @Test
  void oneDocumentHasNoIntervals() throws Exception {
    JsonObject json = eval("--json", "--keep", "0.5", "--max-documents", "1").json();
    assertTrue(json.getAsJsonObject("core").getAsJsonObject("intervals").get("kl").isJsonNull());
    String table = eval("--keep", "0.5", "--max-documents", "1").done().out();
    assertFalse(table.contains("\u00b1"), table);
  }

  @Test
  void denseDecodingIsOneRunWhateverItIsCombinedWith() throws Exception {
    JsonObject json = eval("--json", "--method", "dense,stability", "--keep", "0.3,0.6").json();
    List<String> methods = runs(json).stream().map(run -> run.get("method").getAsString()).toList();
    assertEquals(List.of("dense", "stability", "stability"), methods);
  }

  @Test
  void refreshesAreComparedWithLargerSets() throws Exception {
    JsonObject json = eval("--json", "--keep", "0.3", "--refresh", "0,4,auto").json();
    List<JsonObject> runs = runs(json);
    assertEquals(
        List.of("0", "4", "auto"),
        runs.stream().map(run -> run.get("refresh").getAsString()).toList());
    assertTrue(runs.get(0).getAsJsonObject("core").get("without_refresh").isJsonNull());
    JsonObject every4th = runs.get(1).getAsJsonObject("core");
    assertTrue(every4th.get("keep_measured").getAsDouble() > 0.4);
    JsonObject larger = every4th.getAsJsonObject("without_refresh");
    assertEquals(Set.of("kl", "interval"), larger.keySet());
    double once = runs.get(0).getAsJsonObject("core").get("kl").getAsDouble();
    assertTrue(larger.get("kl").getAsDouble() < once);
    String table = eval("--keep", "0.3", "--refresh", "0,4").done().out();
    assertTrue(table.contains("KL of larger set"), table);
    assertFalse(eval("--keep", "0.3").done().out().contains("refresh"), table);
  }

  @Test
  void losslessAnswersAreTimed() throws Exception {
    String[] options = {"--keep", "0.6", "--lossless", "--drafts", "3", "--prompt-tokens", "6"};
    List<String> json = new ArrayList<>(List.of("--json"));
    json.addAll(List.of(options));
    JsonObject lossless =
        eval(json.toArray(String[]::new))
            .json()
            .getAsJsonObject("core")
            .getAsJsonObject("lossless");
    assertEquals(3, lossless.get("drafts_per_pass").getAsInt());
    assertEquals(3, lossless.get("same_answers").getAsInt());
    assertTrue(lossless.get("accepted").getAsDouble() <= 1);
    assertTrue(lossless.get("tokens_per_pass").getAsDouble() >= 1);
    assertTrue(lossless.get("speed").getAsDouble() > 0);
    String table = eval(options).done().out();
    assertTrue(table.contains("tokens/pass"), table);
  }

  @ParameterizedTest
  @CsvSource({
    "--drafts 3,--lossless",
    "--lossless --drafts 16,expected 1 to 15",
    "--lossless --drafts 0,expected 1 to 15",
    "--prompt-tokens 0,--prompt-tokens",
    "--prompt-tokens 4 --prompt-fraction 0.5,not both",
    "--prompt-fraction 1,--prompt-fraction",
    "--refresh 'x',--refresh",
  })
  void whatCannotBeMeasuredIsRefused(String options, String said) throws Exception {
    List<String> all = new ArrayList<>(List.of("--keep", "0.5"));
    all.addAll(List.of(options.split(" ", -1)));
    String sentence = eval(all.toArray(String[]::new)).sentence(2);
    assertTrue(sentence.contains(said), sentence);
  }

  @Test
  void documentsThatEndWithThePromptAreLeftOut() throws Exception {
    String sentence = eval("--keep", "0.5", "--prompt-tokens", "10000").sentence(1);
    assertTrue(sentence.contains("10002 tokens"), sentence);
  }

  @Test
  void theTableHasALineForEachCombination() throws Exception {
    String table = eval("--rule", "paper,norm", "--keep", "0.3,0.6").done().out();
    assertEquals(4, table.lines().filter(line -> line.startsWith("stability")).count(), table);
    assertEquals(1, table.lines().filter(line -> line.startsWith("dense")).count(), table);
    assertTrue(table.contains("\u00b1"), table);
    List<Integer> widths =
        table
            .lines()
            .filter(line -> line.startsWith("method") || line.startsWith("stability"))
            .map(String::length)
            .distinct()
            .toList();
    assertEquals(1, widths.size(), table);
  }

  @ParameterizedTest
  @CsvSource({
    "--keep,'0.4,1.5',keep=1.5",
    "--keep,'0.4,much',much",
    "--keep,'0.4,,0.6',--keep",
    "--rule,'paper,best',best",
    "--method,'stability,guess',guess",
  })
  void aBadListNamesItsEntry(String option, String list, String entry) throws Exception {
    String[] bad = {option, list, "--keep", "0.5"};
    String[] options = option.equals("--keep") ? new String[] {option, list} : bad;
    String sentence = eval(options).sentence(2);
    assertTrue(sentence.contains(option) && sentence.contains(entry), sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "--keep,'0.2,0.4'",
    "--rule,'paper,norm'",
    "--method,'dense,stability'",
    "--refresh,'0,8'"
  })
  void runAndShowTakeOneValueEach(String option, String list) {
    for (String[] command : new String[][] {{"run", "-p", "x"}, {"show"}}) {
      List<String> arguments = new ArrayList<>(List.of(command));
      arguments.addAll(List.of("--keep", "0.5"));
      if (option.equals("--keep")) {
        arguments.subList(arguments.size() - 2, arguments.size()).clear();
      }
      arguments.addAll(List.of(option, list));
      String sentence = Command.run(arguments.toArray(String[]::new)).sentence(2);
      assertTrue(sentence.contains(option) && sentence.contains("one value"), sentence);
    }
  }

  @Test
  @Tag("pictures")
  void drawsTheDivergenceOverTheBytes() throws Exception {
    Pictures.assumeFonts();
    Path file = folder.resolve("quality.png");
    Command.Outcome outcome =
        eval("--rule", "paper,norm", "--keep", "0.3,0.6,1", "--plot", file.toString()).done();
    assertTrue(outcome.err().contains(file.toString()), outcome.err());
    Pictures.read(file.toFile());
    Path pictures = folder.resolve("pictures");
    eval("--keep", "0.3", "--max-documents", "1", "--plot", pictures.toString()).done();
    Pictures.read(pictures.resolve("quality.png").toFile());
  }

  @Test
  void picturesThatCannotBeDrawnAreRefusedBeforeTheWork() throws Exception {
    Pictures.assumeFonts();
    String nowhere = folder.resolve("missing/picture.png").toString();
    assertTrue(eval("--keep", "0.5", "--plot", nowhere).sentence(2).contains("no folder"));
    Path file = Files.writeString(folder.resolve("picture.txt"), "x");
    String sentence = eval("--keep", "0.5", "--plot", file.toString()).sentence(2);
    assertTrue(sentence.contains("ends with .png"), sentence);
    String dense = folder.resolve("dense.png").toString();
    assertTrue(
        eval("--keep", "1", "--method", "dense", "--plot", dense).sentence(2).contains("--plot"));
  }
}
