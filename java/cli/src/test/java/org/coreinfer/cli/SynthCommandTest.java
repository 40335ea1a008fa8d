package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.coreinfer.generation.Cancellation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SynthCommandTest {
  private static final List<String> SMALL =
      List.of(
          "--shape custom --dim 64 --layers 2 --neurons 160 --heads 4 --kv-heads 2 --vocab 400"
              .split(" "));

  private final Path folder;
  private final Path out;

  SynthCommandTest(@TempDir Path folder) {
    this.folder = folder;
    this.out = folder.resolve("m.gguf");
  }

  private String[] arguments(List<String> shape, String... more) {
    List<String> arguments = new ArrayList<>(List.of("synth", "--out", out.toString()));
    arguments.addAll(shape);
    arguments.addAll(List.of(more));
    return arguments.toArray(String[]::new);
  }

  private Command.Outcome synth(String... more) {
    return Command.run(arguments(SMALL, more));
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "f16", "bf16", "q8_0", "q4_0", "q5_1", "q4_k_m"})
  void theFileHasTheShapeAndCanBeRun(String dtype) {
    Command.Outcome outcome = synth("--dtype", dtype).done();
    assertEquals("", outcome.out());
    assertTrue(outcome.err().startsWith("wrote " + out + ": "), outcome.err());
    JsonObject shown = Command.run("show", out.toString(), "--json").json();
    JsonObject sizes = shown.getAsJsonObject("architecture");
    assertEquals(2, sizes.get("layers").getAsInt());
    assertEquals(160, sizes.get("neurons").getAsInt());
    assertEquals(2, sizes.get("kv_heads").getAsInt());
    assertEquals(400, shown.getAsJsonObject("tokenizer").get("vocabulary").getAsInt());
    String[] run = "run -p hello -n 5 --ignore-eos --backend cpu --json".split(" ");
    List<String> arguments = new ArrayList<>(List.of(run));
    arguments.add(out.toString());
    JsonObject answer = Command.run(arguments.toArray(String[]::new)).json();
    assertEquals(5, answer.getAsJsonArray("tokens").size());
  }

  @Test
  void namedShapesTakeOtherSizes() {
    Command.run(arguments(List.of("--shape", "tiny", "--layers", "5", "--context", "77"))).done();
    JsonObject sizes =
        Command.run("show", out.toString(), "--json").json().getAsJsonObject("architecture");
    assertEquals(5, sizes.get("layers").getAsInt());
    assertEquals(77, sizes.get("context_length").getAsInt());
  }

  @Test
  void powerInferGetsAFileOfItsOwn() throws IOException {
    synth("--powerinfer", "0.2").done();
    Path second = folder.resolve("m.powerinfer.gguf");
    assertTrue(Files.size(second) > 10_000);
    Files.delete(out);
    assertEquals(
        "coreinfer: " + second + " exists: --overwrite replaces it",
        synth("--powerinfer", "0.2").sentence(1));
    assertFalse(Files.exists(out));
    synth("--powerinfer", "0.2", "--overwrite").done();
    assertTrue(Files.exists(out));
  }

  @ParameterizedTest
  @CsvSource({
    "--powerinfer, 0",
    "--powerinfer, 1.5",
    "--heads, 5",
    "--kv-heads, 3",
    "--vocab, 10",
    "--dim, 0",
    "--layers, -1",
    "--context, 0",
    "--dtype, q3_k",
    "--seed, x"
  })
  void aBadValueIsOneSentenceThatNamesTheOption(String option, String value) throws IOException {
    List<String> shape = new ArrayList<>(SMALL);
    int given = shape.indexOf(option);
    if (given >= 0) {
      shape.subList(given, given + 2).clear();
    }
    String sentence = Command.run(arguments(shape, option, value)).sentence(2);
    assertTrue(sentence.startsWith("coreinfer synth: "), sentence);
    assertTrue(sentence.contains(option), sentence);
    assertNothingIsLeft();
  }

  @Test
  void wrongUsageSaysWhatIsMissing() throws IOException {
    String unknown = Command.run(arguments(List.of("--shape", "gpt-5"))).sentence(2);
    assertTrue(unknown.contains("llama-2-7b"), unknown);
    String custom = Command.run(arguments(List.of("--shape", "custom"))).sentence(2);
    assertTrue(custom.contains("--neurons"), custom);
    assertTrue(synth("--powerinfer", "0.2", "--dtype", "q8_0").sentence(2).contains("q4_0"));
    assertNothingIsLeft();
  }

  @Test
  void whatCannotBeWrittenIsOneSentence() throws IOException {
    Files.writeString(out, "precious");
    assertEquals("coreinfer: " + out + " exists: --overwrite replaces it", synth().sentence(1));
    assertEquals("precious", Files.readString(out));
    List<String> tooLarge =
        List.of("--shape", "llama-2-7b", "--layers", "4000", "--overwrite", "--dtype", "f32");
    String sentence = Command.run(arguments(tooLarge)).sentence(1);
    assertTrue(sentence.contains("the disk has"), sentence);
    assertEquals("precious", Files.readString(out));
    assertEquals(1, files());
  }

  @Test
  void aCancelledFileIsNotLeft() throws IOException {
    Cancellation cancellation = new Cancellation();
    cancellation.cancel();
    Command.Outcome outcome =
        Command.run(
            new byte[0], false, new ByteArrayOutputStream(), cancellation, arguments(SMALL));
    assertEquals(130, outcome.code());
    assertNothingIsLeft();
  }

  private void assertNothingIsLeft() throws IOException {
    assertFalse(Files.exists(out));
    assertEquals(0, files());
  }

  private long files() throws IOException {
    try (Stream<Path> left = Files.list(folder)) {
      return left.count();
    }
  }
}
