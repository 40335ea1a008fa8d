package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.Set;
import org.coreinfer.generation.Cancellation;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NeuronsCommandTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private String[] topics(String... options) throws Exception {
    String[] arguments = new String[options.length + 4];
    arguments[0] = "--text";
    arguments[1] = Texts.stories(folder);
    arguments[2] = "--text";
    arguments[3] = Texts.code(folder);
    System.arraycopy(options, 0, arguments, 4, options.length);
    return Command.withModel("neurons", arguments);
  }

  @Test
  void printsTheNumbersBehindEachPicture() throws Exception {
    JsonObject json = Command.run(topics("--json", "--keep", "0.25", "--tokens", "20")).json();
    assertEquals(
        Set.of("model", "rule", "alpha", "keep", "topics", "stability", "overlap", "layers"),
        json.keySet());
    JsonArray topics = json.getAsJsonArray("topics");
    assertEquals("stories", topics.get(0).getAsJsonObject().get("name").getAsString());
    assertEquals(3, topics.get(1).getAsJsonObject().get("documents").getAsInt());
    JsonObject stability = json.getAsJsonObject("stability");
    assertEquals(20, stability.get("tokens").getAsInt());
    for (int i = 0; i < stability.getAsJsonArray("curves").size(); i++) {
      JsonObject curve = stability.getAsJsonArray("curves").get(i).getAsJsonObject();
      JsonArray points = curve.getAsJsonArray("points");
      JsonObject last = points.get(points.size() - 1).getAsJsonObject();
      assertEquals(20, last.get("tokens").getAsInt());
      assertEquals(1, last.get("mean").getAsDouble());
      assertEquals(0.25, curve.get("chance").getAsDouble(), 0.01);
    }
    JsonObject overlap = json.getAsJsonObject("overlap");
    JsonArray means = overlap.getAsJsonArray("means");
    assertEquals(means.get(0).getAsJsonArray().get(1), means.get(1).getAsJsonArray().get(0));
    assertTrue(overlap.get("within").getAsDouble() > overlap.get("between").getAsDouble());
    assertEquals(0.25, overlap.get("chance").getAsDouble(), 0.01);
    JsonArray layers = json.getAsJsonArray("layers");
    int neurons = Command.model().summarize().config().neurons();
    assertEquals(Command.model().summarize().config().layers(), layers.size());
    for (int layer = 0; layer < layers.size(); layer++) {
      JsonObject object = layers.get(layer).getAsJsonObject();
      int kinds = 0;
      for (String kind : new String[] {"always", "specific", "mixed", "never"}) {
        kinds += object.get(kind).getAsInt();
      }
      assertEquals(neurons, kinds);
      int histogram = 0;
      for (int i = 0; i < 10; i++) {
        histogram += object.getAsJsonArray("histogram").get(i).getAsInt();
      }
      assertEquals(neurons, histogram);
    }
  }

  @Test
  void oneDocumentIsEnough() throws Exception {
    String[] arguments =
        Command.withModel(
            "neurons", "--json", "--max-documents", "1", "--text", Texts.stories(folder));
    JsonObject json = Command.run(arguments).json();
    assertTrue(json.get("overlap").isJsonNull());
    assertEquals(1, json.getAsJsonObject("stability").get("documents").getAsInt());
  }

  @Test
  void printsTablesForPeople() throws Exception {
    String text = Command.run(topics()).done().out();
    for (String words :
        new String[] {
          "6 documents of 2 topics", "other text", "chance", "within a topic", "never"
        }) {
      assertTrue(text.contains(words), text);
    }
  }

  @Test
  @Tag("pictures")
  void drawsThreePictures() throws Exception {
    Pictures.assumeFonts();
    Path pictures = folder.resolve("pictures");
    Command.run(topics("--plot", pictures.toString())).done();
    int height = 0;
    for (String name : new String[] {"stability", "overlap", "neurons"}) {
      height += Pictures.read(pictures.resolve(name + ".png").toFile()).getHeight();
    }
    Path all = folder.resolve("all.png");
    Command.run(topics("--plot", all.toString())).done();
    assertEquals(height, Pictures.read(all.toFile()).getHeight());
  }

  @ParameterizedTest
  @CsvSource({
    "--keep,0",
    "--keep,1",
    "--keep,1.2",
    "--rule,best",
    "--alpha,0",
    "--tokens,1",
    "--max-documents,0",
    "--threads,-1"
  })
  void aBadValueIsOneSentenceThatNamesTheOption(String option, String value) throws Exception {
    String sentence = Command.run(topics(option, value)).sentence(2);
    assertTrue(sentence.contains(option), sentence);
  }

  @Test
  void textsThatAreTooShortAreFailures() throws Exception {
    String shortest = Texts.write(folder.resolve("short.txt"), "Hello.");
    String sentence = Command.run(Command.withModel("neurons", "--text", shortest)).sentence(1);
    assertTrue(sentence.contains("short.txt"), sentence);
    assertTrue(Command.run(topics("--tokens", "400")).sentence(1).contains("--tokens 400"));
  }

  @Test
  void endsWhenItIsCancelled() throws Exception {
    Cancellation cancellation = new Cancellation();
    cancellation.cancel();
    Command.Outcome outcome =
        Command.run(new byte[0], false, new ByteArrayOutputStream(), cancellation, topics());
    assertEquals(130, outcome.code(), outcome.err());
    assertEquals("", outcome.out());
  }
}
