package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.weights.Metadata;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Broken files end in a ModelFormatException that names the file, or load and work; nothing else,
 * and not slowly.
 */
class HostileTokenizerTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final String TEXT = "Once <s> upon a\ttime 😀 \ud800 12345";

  private final TokenizerJsonFixture fixture;
  private final Path folder;

  HostileTokenizerTest(@TempDir Path folder) {
    this.folder = folder;
    this.fixture = new TokenizerJsonFixture(folder);
  }

  /** Returns whether the file loads. */
  private boolean survives(Path file, String what) {
    return assertTimeoutPreemptively(
        LIMIT,
        () -> {
          try {
            Tokenizer tokenizer = Tokenizers.fromTokenizerJson(file);
            int[] ids = tokenizer.encode(TEXT, true, true);
            assertTrue(tokenizer.decode(ids).length() < 1_000_000);
            return true;
          } catch (ModelFormatException expected) {
            assertTrue(expected.toString().contains(file.toString()), expected.toString());
            return false;
          }
        },
        what);
  }

  @ParameterizedTest
  @ValueSource(strings = {"opt-tiny-relu", "tinystories-656k"})
  void everyMemberMayBeMissingOrOfAnotherType(String model) throws IOException {
    List<JsonElement> replacements =
        List.of(
            JsonNull.INSTANCE,
            new JsonPrimitive("x"),
            new JsonPrimitive(-1),
            new JsonPrimitive(1e300),
            new JsonPrimitive(true),
            new JsonArray(),
            new JsonObject(),
            TokenizerJsonFixture.json("[[[null]]]"),
            TokenizerJsonFixture.json("{'type':'Sequence'}"));
    List<List<String>> paths = new ArrayList<>();
    collect(TokenizerJsonFixture.read(model), List.of(), paths);
    int files = 0;
    int refused = 0;
    Random random = new Random(1);
    for (List<String> path : paths) {
      JsonObject without = TokenizerJsonFixture.read(model);
      change(without, path, null);
      refused += survives(fixture.write(without), "without " + path) ? 0 : 1;
      files++;
      for (JsonElement replacement : replacements) {
        if (path.size() > 2 && random.nextInt(6) > 0) {
          continue;
        }
        JsonObject changed = TokenizerJsonFixture.read(model);
        change(changed, path, replacement);
        refused += survives(fixture.write(changed), path + " = " + replacement) ? 0 : 1;
        files++;
      }
    }
    assertTrue(files > 150, files + " files");
    assertTrue(refused > files / 4, refused + " of " + files + " refused");
  }

  /**
   * The paths of all members but those of the vocabulary, the merges and all added tokens after the
   * first.
   */
  private static void collect(JsonElement node, List<String> path, List<List<String>> paths) {
    String last = path.isEmpty() ? "" : path.get(path.size() - 1);
    if (!path.isEmpty()) {
      paths.add(path);
    }
    if (last.equals("vocab") || last.equals("merges")) {
      return;
    }
    if (node instanceof JsonObject object) {
      for (Map.Entry<String, JsonElement> member : object.entrySet()) {
        collect(member.getValue(), join(path, member.getKey()), paths);
      }
    } else if (node instanceof JsonArray array && !array.isEmpty()) {
      collect(array.get(0), join(path, "0"), paths);
    }
  }

  private static List<String> join(List<String> path, String step) {
    List<String> joined = new ArrayList<>(path);
    joined.add(step);
    return joined;
  }

  private static void change(
      JsonElement root, List<String> path, @Nullable JsonElement replacement) {
    JsonElement node = root;
    for (String step : path.subList(0, path.size() - 1)) {
      node = node instanceof JsonArray array ? array.get(0) : node.getAsJsonObject().get(step);
    }
    String last = path.get(path.size() - 1);
    if (node instanceof JsonArray array) {
      array.set(0, replacement == null ? JsonNull.INSTANCE : replacement);
    } else if (replacement == null) {
      node.getAsJsonObject().remove(last);
    } else {
      node.getAsJsonObject().add(last, replacement);
    }
  }

  @Test
  void refusesBrokenVocabulariesAndMerges() throws IOException {
    List<Consumer<JsonObject>> changes =
        List.of(
            model -> model.getAsJsonObject("vocab").addProperty("x1", -1),
            model -> model.getAsJsonObject("vocab").addProperty("x1", 5),
            model -> model.getAsJsonObject("vocab").addProperty("x1", Integer.MAX_VALUE),
            model -> model.getAsJsonObject("vocab").addProperty("x1", 1L << 40),
            model -> model.getAsJsonObject("vocab").addProperty("x1", 1.5),
            model -> model.getAsJsonObject("vocab").addProperty("x1", "7"),
            model -> model.getAsJsonArray("merges").add("qq zz"),
            model -> model.getAsJsonArray("merges").add("a"),
            model -> model.getAsJsonArray("merges").add(""),
            model -> model.getAsJsonArray("merges").add("a b c"),
            model -> model.getAsJsonArray("merges").add(TokenizerJsonFixture.json("['a']")),
            model -> model.getAsJsonArray("merges").add(TokenizerJsonFixture.json("['a',1]")),
            model -> model.getAsJsonArray("merges").add(7),
            model -> model.addProperty("unk_token", "nowhere"),
            model -> model.addProperty("dropout", 0.1),
            model -> model.addProperty("continuing_subword_prefix", "##"),
            model -> model.addProperty("end_of_word_suffix", "</w>"),
            model -> model.addProperty("type", "Unigram"));
    for (int i = 0; i < changes.size(); i++) {
      JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
      changes.get(i).accept(root.getAsJsonObject("model"));
      Path file = fixture.write(root);
      int number = i;
      ModelFormatException refusal =
          assertThrows(
              ModelFormatException.class,
              () -> Tokenizers.fromTokenizerJson(file),
              () -> "change " + number);
      assertTrue(refusal.toString().contains(file + ": model"), refusal.toString());
    }
  }

  @Test
  void refusesTemplatesWithIdsOutsideTheVocabulary() throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.add(
        "post_processor",
        TokenizerJsonFixture.json("{'type':'RobertaProcessing','sep':['x',2048],'cls':['y',0]}"));
    Path file = fixture.write(root);
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> Tokenizers.fromTokenizerJson(file));
    assertTrue(refusal.toString().contains("post_processor.sep.1"), refusal.toString());
  }

  @Test
  void vocabulariesMayHaveHoles() throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.getAsJsonObject("model").getAsJsonObject("vocab").addProperty("far away", 100_000);
    Tokenizer tokenizer = Tokenizers.fromTokenizerJson(fixture.write(root));
    assertEquals(100_001, tokenizer.vocabularySize());
    assertEquals("", tokenizer.piece(50_000));
    assertEquals("far away", tokenizer.piece(100_000));
  }

  @Test
  void refusesTruncatedAndDeeplyNestedFiles() throws IOException {
    String whole = TokenizerJsonFixture.read("opt-tiny-relu").toString();
    for (int cut = 0; cut < 40; cut++) {
      Path file = fixture.write(whole.substring(0, whole.length() * cut / 40));
      assertEquals(false, survives(file, "cut " + cut));
    }
    for (String nest :
        new String[] {"[", "{\"a\":", "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["}) {
      assertEquals(false, survives(fixture.write(nest.repeat(100_000)), nest));
    }
    StringBuilder closed = new StringBuilder("{'type':'NFC'}");
    for (int i = 0; i < 100; i++) {
      closed.insert(0, "{'type':'Sequence','normalizers':[").append("]}");
    }
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.add("normalizer", TokenizerJsonFixture.json(closed.toString()));
    assertEquals(false, survives(fixture.write(root), "nested normalizers"));
  }

  @Test
  void namesTheMergeThatDoesNotParse() {
    Path file = SharedData.path("data/tokenizers/llama2/tokenizer-malformed-merges.json");
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> Tokenizers.fromTokenizerJson(file));
    assertTrue(
        refusal.toString().contains("tokenizer-malformed-merges.json: model.merges."),
        refusal.toString());
  }

  @Test
  void refusesFoldersWithoutATokenizer() {
    assertThrows(ModelFormatException.class, () -> Tokenizers.fromHuggingFace(folder));
    assertThrows(
        ModelFormatException.class, () -> Tokenizers.fromTokenizerJson(folder.resolve("none")));
    assertThrows(ModelFormatException.class, () -> Tokenizers.fromSentencePiece(folder));
  }

  @Test
  void survivesChangedSentencePieceFiles() throws IOException {
    byte[] whole =
        Files.readAllBytes(SharedData.path("models/stories260k-hf").resolve("tokenizer.model"));
    Random random = new Random(6);
    for (int i = 0; i < 200; i++) {
      byte[] bytes = whole.clone();
      if (i % 4 == 0) {
        bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
      } else {
        for (int changes = 0; changes < 1 + i % 7; changes++) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
      }
      Path file = Files.write(folder.resolve("tokenizer.model"), bytes);
      assertTimeoutPreemptively(
          LIMIT,
          () -> {
            try {
              Tokenizers.fromSentencePiece(file).encode(TEXT, true, true);
            } catch (ModelFormatException expected) {
              assertTrue(expected.toString().contains("tokenizer.model"), expected.toString());
            }
          });
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "test_sentencepiece.model",
        "test_sentencepiece_bpe.model",
        "test_sentencepiece_no_bos.model",
        "test_sentencepiece_with_bytefallback.model"
      })
  void refusesOtherSentencePieceModelsByName(String name) {
    Path file = SharedData.path("data/vectors/hf").resolve(name);
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> Tokenizers.fromSentencePiece(file));
    assertTrue(refusal.toString().contains("_spec."), refusal.toString());
  }

  @Test
  void refusesBrokenMetadata() {
    Map<String, Object> sound =
        Map.of(
            "tokenizer.ggml.model",
            "llama",
            "tokenizer.ggml.tokens",
            List.of("<unk>", "<s>", "▁", "a", "▁a"),
            "tokenizer.ggml.scores",
            new double[] {0, 0, -1, -2, -3},
            "tokenizer.ggml.token_type",
            new long[] {2, 3, 1, 1, 1},
            "tokenizer.ggml.unknown_token_id",
            0L);
    assertEquals(5, Tokenizers.fromGguf(new Metadata("x.gguf", sound)).vocabularySize());
    Map<String, Object> broken =
        Map.of(
            "tokenizer.ggml.model",
            "bert",
            "tokenizer.ggml.tokens",
            List.of("a"),
            "tokenizer.ggml.scores",
            new double[] {0, 0, Double.NaN, 0, 0},
            "tokenizer.ggml.token_type",
            new long[] {2, 3, 1, 1, 9},
            "tokenizer.ggml.unknown_token_id",
            5L,
            "tokenizer.ggml.bos_token_id",
            -3L);
    broken.forEach(
        (key, value) -> {
          Map<String, Object> values = new HashMap<>(sound);
          values.put(key, value);
          ModelFormatException refusal =
              assertThrows(
                  ModelFormatException.class,
                  () -> Tokenizers.fromGguf(new Metadata("x.gguf", values)),
                  key);
          assertTrue(refusal.toString().contains("x.gguf: tokenizer.ggml."), refusal.toString());
        });
  }

  @Test
  void refusesUnknownPreTokenizersOfGguf() {
    Metadata metadata =
        new Metadata(
            "x.gguf",
            Map.of(
                "tokenizer.ggml.model",
                "gpt2",
                "tokenizer.ggml.pre",
                "deepseek-llm",
                "tokenizer.ggml.tokens",
                List.of("a", "b"),
                "tokenizer.ggml.merges",
                List.of()));
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> Tokenizers.fromGguf(metadata));
    assertTrue(
        refusal.toString().contains("\"deepseek-llm\" is not supported"), refusal.toString());
  }
}
