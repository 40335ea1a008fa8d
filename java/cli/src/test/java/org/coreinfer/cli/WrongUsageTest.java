package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.backend.cuda.Cuda;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WrongUsageTest {
  @ParameterizedTest
  @CsvSource({
    "--keep,0",
    "--keep,1.1",
    "--keep,-1",
    "--keep,NaN",
    "--keep,much",
    "--alpha,0",
    "--alpha,2",
    "--rule,best",
    "--layers,5",
    "--layers,3..1",
    "--layers,0..99",
    "--layers,a..b",
    "--layers,-1..2",
    "--backend,gpu",
    "--gpu-memory,0",
    "--gpu-memory,-1G",
    "--gpu-memory,much",
    "--gpu-memory,7.3X",
    "--threads,-1",
    "--threads,2000",
    "--threads,two",
    "--activation-bits,7",
    "--context,0",
    "--context,1000000",
    "--max-tokens,0",
    "--max-tokens,-5",
    "--max-tokens,1.5",
    "--temperature,-1",
    "--temperature,hot",
    "--top-k,-1",
    "--top-p,0",
    "--top-p,1.5",
    "--min-p,1",
    "--min-p,-0.1",
    "--repeat-penalty,0",
    "--frequency-penalty,3",
    "--presence-penalty,-2.5",
    "--seed,x",
    "--stop,''",
  })
  void aBadValueIsOneSentenceThatNamesTheOption(String option, String value) {
    String[] arguments = Command.withModel("run", "-p", "Once upon a time", option, value);
    String sentence = Command.run(arguments).sentence(2);
    assertTrue(sentence.startsWith("coreinfer run: "), sentence);
    assertTrue(sentence.contains(option), sentence);
    assertTrue(sentence.endsWith("see coreinfer run --help"), sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "--prompt-fraction,0",
    "--prompt-fraction,1",
    "--max-documents,0",
    "--keep,3",
    "--layers,0..99"
  })
  void evalChecksItsOptionsToo(String option, String value, @TempDir Path folder) throws Exception {
    Path text = Files.writeString(folder.resolve("text.txt"), "One day, a cat sat.\n");
    String sentence =
        Command.run(Command.withModel("eval", "--text", text.toString(), option, value))
            .sentence(2);
    assertTrue(sentence.contains(option), sentence);
  }

  @ParameterizedTest
  @CsvSource({"--keep,2", "--layers,0..99", "--context,1000000", "--context,0"})
  void showChecksItsOptionsToo(String option, String value) {
    assertTrue(Command.run(Command.withModel("show", option, value)).sentence(2).contains(option));
  }

  @Test
  void losslessNeedsCoreNeurons() {
    String[] arguments = Command.withModel("run", "-p", "x", "--lossless", "--method", "dense");
    String sentence = Command.run(arguments).sentence(2);
    assertTrue(sentence.contains("--keep"), sentence);
  }

  @Test
  void losslessTakesNoRefreshes() {
    String[] arguments = "-p x --keep 0.4 --lossless --refresh 8".split(" ", -1);
    String sentence = Command.run(Command.withModel("run", arguments)).sentence(2);
    assertTrue(sentence.contains("leave refresh out"), sentence);
  }

  @Test
  void unknownMethodsAreToldWhichThereAre() {
    String sentence = Command.run("run", "-p", "x", "--method", "guess").sentence(2);
    assertTrue(sentence.contains("stability") && sentence.contains("dense"), sentence);
  }

  @Test
  void unknownOptionsCommandsAndArgumentsAreNamed() {
    assertTrue(Command.run("run", "--kepe", "1").sentence(2).contains("unknown option --kepe"));
    assertTrue(Command.run("rum").sentence(2).contains("unknown command 'rum'"));
    assertTrue(Command.run("run", "a", "b").sentence(2).contains("too many: 'b'"));
    assertTrue(Command.run().sentence(2).contains("a command is missing"));
    assertTrue(Command.run("eval").sentence(2).contains("--text"));
  }

  @Test
  void runNeedsExactlyOnePrompt() {
    assertTrue(Command.run("run", "-p", "x", "-f", "y").sentence(2).contains("not both"));
    assertTrue(Command.runAtKeyboard("run").sentence(2).contains("there is no prompt"));
    assertTrue(Command.run("run").sentence(2).contains("stdin is empty"));
  }

  @Test
  void tokenizeTakesATextOrIds() {
    assertTrue(Command.run("tokenize").sentence(2).contains("there is no text"));
    assertTrue(Command.run("tokenize", "a", "b", "c").sentence(2).contains("quotes"));
    assertTrue(Command.run("tokenize", "m", "t", "--decode", "1").sentence(2).contains("--decode"));
    for (String ids : new String[] {"x", "1,,y", "-1", "", "99999999999"}) {
      String[] arguments = Command.withModel("tokenize", "--decode", ids);
      assertTrue(Command.run(arguments).sentence(2).contains("--decode"), ids);
    }
  }

  @Test
  void cudaIsRefusedClearlyWhereItCannotBeUsed() {
    assumeFalse(Cuda.status().isUsable(), "CUDA can be used here");
    String sentence = Command.run("run", "-p", "x", "--backend", "cuda").sentence(1);
    assertTrue(sentence.startsWith("coreinfer: CUDA can't be used: "), sentence);
    assertTrue(sentence.contains(String.valueOf(Cuda.status().failure())), sentence);
  }

  @Test
  void gpuMemoryContradictsTheCpu() {
    String sentence =
        Command.run("run", "-p", "x", "--backend", "cpu", "--gpu-memory", "1G").sentence(2);
    assertTrue(sentence.contains("--gpu-memory"), sentence);
  }

  @ParameterizedTest
  @ValueSource(strings = {"run -p x", "tokenize --decode 1", "show"})
  void aModelThatCannotBeReadIsOneSentence(String command, @TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("not-a-model.gguf"), "hello");
    for (Path path : new Path[] {folder.resolve("missing.gguf"), folder, file}) {
      String sentence = Command.run((command + " " + path).split(" ")).sentence(1);
      assertTrue(sentence.contains(path.getFileName().toString()), sentence);
    }
  }

  @Test
  void filesThatCannotBeReadAreOneSentence(@TempDir Path folder) throws Exception {
    String missing = folder.resolve("missing.txt").toString();
    assertTrue(Command.run("run", "-f", missing).sentence(1).contains("no such file"));
    assertTrue(Command.run("eval", "--text", missing).sentence(1).contains("no such file"));
    Path latin = folder.resolve("latin.txt");
    Files.write(latin, "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertTrue(Command.run("run", "-f", latin.toString()).sentence(1).contains("not UTF-8"));
    assertTrue(Command.run("run", "-f", folder.toString()).sentence(1).contains("cannot be read"));
  }

  @Test
  void stacktraceShowsWhereAnErrorComesFrom() {
    String[] arguments = {"run", "-p", "x", "/missing.gguf"};
    assertFalse(Command.run(arguments).err().contains("\tat "));
    String[] traced = {"run", "-p", "x", "/missing.gguf", "--stacktrace"};
    assertTrue(Command.run(traced).err().contains("\tat org.coreinfer.cli.ModelOptions"));
    assertEquals(1, Command.run(traced).code());
  }
}
