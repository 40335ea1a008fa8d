package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What only a process of its own can show: signals, and the platform's character set. */
@Timeout(120)
class ProcessTest {
  private static final long SIGINT_BIT = 1L << 1;

  private static Process start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Dfile.encoding=US-ASCII");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(CoreInferCommand.class.getName());
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).start();
  }

  @Test
  void ctrlCKeepsTheTextSoFarAndEndsWith130() throws Exception {
    assumeTrue(!isInterruptIgnored(), "this process ignores Ctrl-C, so its children do");
    boolean wasInTime = false;
    for (int attempt = 0; attempt < 5 && !wasInTime; attempt++) {
      wasInTime = interruptARun();
    }
    assertTrue(wasInTime, "every run ended before the signal came");
  }

  /** Whether the signal came before the context was full. */
  private static boolean interruptARun() throws Exception {
    Process process =
        start(Command.withModel("run", "-p", "Once upon a time", "-n", "100000", "--ignore-eos"));
    InputStream out = process.getInputStream();
    assertTrue(out.read() >= 0);
    new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    String rest = new String(out.readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertTrue(rest.endsWith("\n"), rest);
    assertFalse(err.contains("never closed") || err.contains("\tat "), err);
    if (process.exitValue() == 0) {
      return false;
    }
    assertEquals(130, process.exitValue(), err);
    return true;
  }

  /** Whether SIGINT is in the set of ignored signals, as in the background of a script. */
  private static boolean isInterruptIgnored() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("SigIgn:"))
        .map(line -> Long.parseUnsignedLong(line.substring("SigIgn:".length()).strip(), 16))
        .anyMatch(mask -> (mask & SIGINT_BIT) != 0);
  }

  @Test
  void textIsUtf8WhateverThePlatformSays() throws Exception {
    Process process = start(Command.withModel("tokenize", "-", "--json"));
    byte[] text = "caf\u00e9".getBytes(StandardCharsets.UTF_8);
    process.getOutputStream().write(text);
    process.getOutputStream().close();
    String json = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), json);
    String[] again = Command.withModel("tokenize", "-", "--json");
    assertEquals(Command.runWithInput(text, again).done().out(), json);
  }
}
