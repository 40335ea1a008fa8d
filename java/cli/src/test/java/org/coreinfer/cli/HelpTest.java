package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HelpTest {
  @Test
  void theTopNamesEveryCommandAndGivesExamples() {
    Command.Outcome help = Command.run("--help").done();
    assertEquals("", help.err());
    for (String word :
        new String[] {
          "run",
          "chat",
          "template",
          "serve",
          "tokenize",
          "show",
          "eval",
          "neurons",
          "quantize",
          "synth",
          "bench",
          "batch",
          "doctor",
          "completion",
          "Examples:",
          "Exit codes"
        }) {
      assertTrue(help.out().contains(word), word);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "run",
        "chat",
        "template",
        "serve",
        "tokenize",
        "show",
        "eval",
        "neurons",
        "quantize",
        "synth",
        "bench",
        "batch",
        "doctor",
        "completion"
      })
  void everyCommandHasHelpWithExamplesThatFitsATerminal(String command) {
    for (String option : new String[] {"--help", "-h"}) {
      Command.Outcome help = Command.run(command, option).done();
      assertEquals("", help.err());
      assertTrue(help.out().startsWith("Usage: coreinfer " + command), help.out());
      assertTrue(help.out().contains("Examples:\n  "), help.out());
      help.out().lines().forEach(line -> assertTrue(line.length() <= 100, line));
      assertFalse(help.out().contains("$"), "an unresolved variable: " + help.out());
    }
  }

  @Test
  void runExplainsEveryOptionOfTheContract() {
    String help = Command.run("run", "--help").done().out();
    for (String option :
        new String[] {
          "--method",
          "--rule",
          "--alpha",
          "--keep",
          "--layers",
          "--backend",
          "--threads",
          "--context",
          "--gpu-memory",
          "--prompt",
          "--file",
          "--max-tokens",
          "--temperature",
          "--top-k",
          "--top-p",
          "--min-p",
          "--repeat-penalty",
          "--frequency-penalty",
          "--presence-penalty",
          "--seed",
          "--stop",
          "--ignore-eos",
          "--json"
        }) {
      assertTrue(help.contains(option), option);
    }
  }

  @Test
  void theVersionIsTheBuilds() {
    assertTrue(Command.run("--version").done().out().matches("coreinfer \\d+\\.\\d+\\.\\d+\\S*\n"));
  }
}
