package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class CompletionTest {
  private static final String COMPLETE =
      """
      source "$1"; shift
      compopt() { :; } # which bash allows while it completes only
      COMP_WORDS=(coreinfer "$@"); COMP_CWORD=$#; COMP_LINE="${COMP_WORDS[*]}"
      function=$(complete -p coreinfer | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      "$function"
      printf '%s\\n' "${COMPREPLY[@]}"
      """;

  @TempDir static Path folder;

  private static Path script;

  @BeforeAll
  static void writeScript() throws IOException {
    script =
        Files.writeString(
            folder.resolve("coreinfer"), Command.run("completion").done().out());
  }

  /** What a shell says; the test is skipped where there is no such shell. */
  private static String shell(String name, String... arguments) throws Exception {
    assumeTrue(Files.exists(Path.of("/bin", name)), "there is no " + name);
    List<String> command = new ArrayList<>(List.of("/bin/" + name));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output;
  }

  @Test
  void bashCanReadTheScript() throws Exception {
    assertEquals("", shell("bash", "-n", script.toString()));
  }

  @Test
  void zshCanReadTheScript() throws Exception {
    assertEquals("", shell("zsh", "-n", script.toString()));
  }

  @ParameterizedTest
  @CsvSource({
    "se, serve",
    "run --meth, --method",
    "run --method s, stability",
    "serve --api, --api-key",
    "eval --loss, --lossless",
    "comp, completion"
  })
  void bashCompletesCommandsOptionsAndValues(String typed, String expected) throws Exception {
    List<String> arguments =
        new ArrayList<>(List.of("-c", COMPLETE, "bash", script.toString()));
    arguments.addAll(List.of(typed.split(" ")));
    String answers = shell("bash", arguments.toArray(String[]::new));
    assertTrue(answers.lines().anyMatch(line -> line.strip().equals(expected)), answers);
  }
}
