package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizeCommandTest {
  private final Path folder;
  private final Path out;

  QuantizeCommandTest(@TempDir Path folder) {
    this.folder = folder;
    this.out = folder.resolve("out.gguf");
  }

  private static String model() {
    return Command.sharedModel("gguf/tinystories-656k-f16.gguf").toString();
  }

  private static Command.Outcome quantize(String in, Path out, String... more) {
    List<String> arguments = new ArrayList<>(List.of("quantize", in, out.toString()));
    arguments.addAll(List.of(more));
    return Command.run(arguments.toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource({
    "q4_k_m, Q5_0 Q8_0 Q4_K Q6_K",
    "Q5_K_M, Q5_1 Q8_0 Q5_K Q6_K",
    "q4_1, Q4_1",
    "q5_0, Q5_0",
    "q6_k, Q8_0 Q6_K",
    "bf16, BF16"
  })
  void theFileShowsItsDtypesAndRuns(String dtype, String expected) throws IOException {
    Command.Outcome outcome = quantize(model(), out, "--dtype", dtype).done();
    assertEquals("", outcome.out());
    assertTrue(outcome.err().startsWith("wrote " + out + ": "), outcome.err());
    JsonObject shown = Command.run("show", out.toString(), "--json").json();
    assertEquals(Files.size(out), shown.get("file_bytes").getAsLong());
    Set<String> dtypes = new HashSet<>();
    for (JsonElement storage : shown.getAsJsonArray("dtypes")) {
      dtypes.add(storage.getAsJsonObject().get("dtype").getAsString());
    }
    assertTrue(dtypes.remove("F32"), "norms");
    assertTrue(Set.of(expected.split(" ")).containsAll(dtypes), dtypes.toString());
    assertFalse(dtypes.isEmpty());
    JsonObject answer =
        Command.run(
                "run",
                out.toString(),
                "-p",
                "Once upon a time",
                "-n",
                "8",
                "--temperature",
                "0",
                "--backend",
                "cpu",
                "--json")
            .json();
    assertEquals(8, answer.getAsJsonArray("tokens").size());
  }

  @Test
  void replacesAFileOnlyIfAsked() throws IOException {
    Files.writeString(out, "precious");
    String sentence = quantize(model(), out, "--dtype", "q8_0").sentence(1);
    assertEquals("coreinfer: " + out + " exists: --overwrite replaces it", sentence);
    assertEquals("precious", Files.readString(out));
    quantize(model(), out, "--dtype", "q8_0", "--overwrite").done();
    assertTrue(Files.size(out) > 100_000);
  }

  @Test
  void convertReplacesAFileOnlyIfAsked() throws IOException {
    String model = Command.sharedModel("tinystories-656k").toString();
    Files.writeString(out, "precious");
    String sentence = Command.run("convert", model, out.toString()).sentence(1);
    assertEquals("coreinfer: " + out + " exists: --overwrite replaces it", sentence);
    assertEquals("precious", Files.readString(out));
    Command.run("convert", model, out.toString(), "--overwrite").done();
    assertTrue(Files.size(out) > 100_000);
  }

  @Test
  void neverReplacesItsSource() throws IOException {
    Path copy = Files.copy(Path.of(model()), folder.resolve("copy.gguf"));
    String sentence = quantize(copy.toString(), copy, "--dtype", "q8_0", "--overwrite").sentence(2);
    assertTrue(sentence.contains("are the same file"), sentence);
    assertEquals(-1, Files.mismatch(copy, Path.of(model())));
  }

  @Test
  void saysThatTheSourceWasQuantisedBefore() {
    String q8 = Command.sharedModel("gguf/tinystories-656k-q8_0.gguf").toString();
    Command.Outcome outcome = quantize(q8, out, "--dtype", "q4_0").done();
    assertTrue(outcome.err().contains("is quantised already"), outcome.err());
  }

  @Test
  void wrongUsageIsOneSentence() {
    String missing = quantize(model(), out).sentence(2);
    assertTrue(missing.contains("--dtype"), missing);
    String unknown = quantize(model(), out, "--dtype", "q3_k").sentence(2);
    assertTrue(unknown.contains("q4_k_m"), unknown);
    String directory = quantize(folder.toString(), out, "--dtype", "q8_0").sentence(2);
    assertTrue(directory.contains("coreinfer convert"), directory);
    String absent = quantize(folder + "/absent.gguf", out, "--dtype", "q8_0").sentence(1);
    assertTrue(absent.contains("no such file"), absent);
    String nowhere =
        quantize(model(), folder.resolve("no/out.gguf"), "--dtype", "q8_0").sentence(1);
    assertTrue(nowhere.contains("cannot be written"), nowhere);
  }
}
