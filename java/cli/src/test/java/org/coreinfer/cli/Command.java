package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.coreinfer.Model;
import org.coreinfer.generation.Cancellation;
import picocli.CommandLine.Help.Ansi;

/** Runs the command inside of the test's process. */
final class Command {
  private Command() {}

  /** What a call left behind. */
  record Outcome(int code, String out, String err) {
    /** The outcome of a call that should have succeeded. */
    Outcome done() {
      assertEquals(0, code, err);
      return this;
    }

    /** The one object on stdout. */
    JsonObject json() {
      done();
      assertTrue(out.endsWith("}\n"), out);
      assertEquals(1, out.lines().count(), out);
      return JsonParser.parseString(out).getAsJsonObject();
    }

    /** Checks that the call failed with this code and one line on stderr; returns the line. */
    String sentence(int expectedCode) {
      assertEquals(expectedCode, code, err);
      assertEquals("", out);
      assertEquals(1, err.lines().count(), err);
      return err.strip();
    }
  }

  static Outcome run(String... arguments) {
    return runWithInput(new byte[0], arguments);
  }

  static Outcome runWithInput(byte[] stdin, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    return run(stdin, false, out, new Cancellation(), arguments);
  }

  /** Runs with a keyboard rather than a file as stdin. */
  static Outcome runAtKeyboard(String... arguments) {
    return run(new byte[0], true, new ByteArrayOutputStream(), new Cancellation(), arguments);
  }

  static Outcome run(
      byte[] stdin,
      boolean isKeyboard,
      OutputStream out,
      Cancellation cancellation,
      String... arguments) {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Streams streams =
        new Streams(
            new ByteArrayInputStream(stdin),
            out,
            new PrintStream(err, true, StandardCharsets.UTF_8),
            isKeyboard,
            false);
    int code = CoreInferCommand.create(streams, cancellation, Ansi.OFF).execute(arguments);
    String text =
        out instanceof ByteArrayOutputStream bytes ? bytes.toString(StandardCharsets.UTF_8) : "";
    return new Outcome(code, text, err.toString(StandardCharsets.UTF_8));
  }

  /** A subcommand with the arguments that name the test model, and these. */
  static String[] withModel(String subcommand, String... arguments) {
    List<String> all = new ArrayList<>();
    all.add(subcommand);
    modelPath().ifPresent(path -> all.add(path.toString()));
    all.addAll(List.of(arguments));
    return all.toArray(String[]::new);
  }

  /** How to open the test model. */
  static Model.Builder model() {
    return modelPath().map(Model::builder).orElseGet(Model::embedded);
  }

  /** The embedded model needs no path; a build without it takes one of the shared folder. */
  private static Optional<Path> modelPath() {
    return Model.class.getResource("embedded.gguf") != null
        ? Optional.empty()
        : Optional.of(sharedModel("opt-tiny-relu"));
  }

  /** A model of the shared folder; the test is skipped where it is absent. */
  static Path sharedModel(String name) {
    Path path = Path.of(System.getProperty("coreinfer.shared", "../../../shared"), "models", name);
    assumeTrue(Files.exists(path), path + " is absent: it is not part of the repository");
    return path;
  }
}
