package org.coreinfer.bench.compare;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A process that ran to its end, and what it printed. */
record ProcessRun(String out, String err) {

  /**
   * Runs a command without input, in a folder of its own: engines leave logs where they run.
   *
   * @param label names the engine in messages
   * @throws EngineFailure if there is no such program, or it fails or takes too long
   */
  static ProcessRun of(
      String label, List<String> command, Map<String, String> environment, int timeoutSeconds)
      throws EngineFailure, InterruptedException {
    Path program = Path.of(command.get(0));
    if (program.isAbsolute() && !Files.isExecutable(program)) {
      throw new EngineFailure(
          label
              + (Files.exists(program)
                  ? " cannot be started: " + program + " is no program"
                  : " cannot be started: there is no " + program));
    }
    return run(
        label,
        timeoutSeconds,
        folder -> {
          ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
          builder.environment().putAll(environment);
          return builder;
        });
  }

  /** Runs a line of the shell where the user is, so that it may name files as the user does. */
  static ProcessRun ofShell(String label, String line, int timeoutSeconds)
      throws EngineFailure, InterruptedException {
    return run(label, timeoutSeconds, folder -> new ProcessBuilder("sh", "-c", line));
  }

  private static ProcessRun run(
      String label, int timeoutSeconds, Function<Path, ProcessBuilder> process)
      throws EngineFailure, InterruptedException {
    try {
      Path folder = Files.createTempDirectory("coreinfer-engine");
      try {
        return run(label, timeoutSeconds, folder, process.apply(folder));
      } finally {
        delete(folder);
      }
    } catch (IOException e) {
      throw new EngineFailure(label + " cannot be started: " + e.getMessage(), e);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> left = Files.walk(folder)) {
      for (Path path : left.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static ProcessRun run(
      String label, int timeoutSeconds, Path folder, ProcessBuilder builder)
      throws IOException, EngineFailure, InterruptedException {
    Path out = folder.resolve("stdout");
    Path err = folder.resolve("stderr");
    builder.redirectInput(Path.of("/dev/null").toFile());
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    Process process = builder.start();
    try {
      if (!process.waitFor(timeoutSeconds, TimeUnit.SECONDS)) {
        throw new EngineFailure(
            label + " was ended after " + timeoutSeconds + " s; --timeout allows more");
      }
    } finally {
      end(process);
    }
    ProcessRun ran = new ProcessRun(text(out), text(err));
    if (process.exitValue() != 0) {
      throw new EngineFailure(
          "%s ended with code %d%s: %s"
              .formatted(label, process.exitValue(), signal(process.exitValue()), ran.lastWords()));
    }
    return ran;
  }

  private static void end(Process process) throws InterruptedException {
    if (process.isAlive()) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
  }

  private static String signal(int code) {
    return code > 128 && code < 160 ? " (signal " + (code - 128) + ")" : "";
  }

  private static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  /** Everything that was printed. */
  String all() {
    return out + "\n" + err;
  }

  /** The last lines on stderr, or stdout if there are none, as one. */
  String lastWords() {
    String text = err.isBlank() ? out : err;
    List<String> lines = text.lines().filter(line -> !line.isBlank()).toList();
    String last =
        lines.stream()
            .skip(Math.max(0, lines.size() - 2))
            .map(String::strip)
            .collect(Collectors.joining(" / "));
    return last.isEmpty() ? "it printed nothing" : shortened(last);
  }

  private static String shortened(String text) {
    return text.length() <= 300 ? text : text.substring(0, 300) + "\u2026";
  }
}
