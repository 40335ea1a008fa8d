package org.coreinfer.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.error.CoreInferException;

/**
 * A process's three streams, always UTF-8.
 *
 * @param out for results only
 * @param err for people
 * @param isInputTerminal whether {@code in} is a keyboard rather than a file or a pipe
 * @param isErrorTerminal whether {@code err} is a screen, so that progress may be drawn
 */
record Streams(
    InputStream in,
    OutputStream out,
    PrintStream err,
    boolean isInputTerminal,
    boolean isErrorTerminal) {

  /** The reader of the results has gone, as {@code head} does; no more is to be computed. */
  static final class ReaderGoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ReaderGoneException(Throwable cause) {
      super("nobody reads the results any more", cause);
    }
  }

  /** Those of this process; whether stderr is a terminal is the launcher's knowledge. */
  static Streams ofProcess() {
    return new Streams(
        System.in,
        new FileOutputStream(FileDescriptor.out),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
        isTerminal(Path.of("/proc/self/fd/0")),
        Boolean.getBoolean("coreinfer.stderr.tty"));
  }

  private static boolean isTerminal(Path openFile) {
    try {
      String target = Files.readSymbolicLink(openFile).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException e) {
      return false; // no such file on this system: read what comes
    }
  }

  /**
   * Writes a result and sends it off.
   *
   * @throws ReaderGoneException if nobody reads it any more
   */
  void print(String text) {
    try {
      out.write(text.getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      if (reason.contains("Broken pipe") || reason.contains("Pipe closed")) {
        throw new ReaderGoneException(e);
      }
      throw new CoreInferException("stdout cannot be written: " + reason, e);
    }
  }

  void println(String text) {
    print(text + "\n");
  }

  /** Writes one line for people. */
  void note(String line) {
    err.println(line);
  }

  PrintWriter outWriter() {
    return new PrintWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), true);
  }

  PrintWriter errWriter() {
    return new PrintWriter(new OutputStreamWriter(err, StandardCharsets.UTF_8), true);
  }
}
