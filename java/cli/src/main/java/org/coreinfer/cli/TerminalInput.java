package org.coreinfer.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.Cancellation;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/** A keyboard with line editing and a history, which stays between calls. Its screen is stderr. */
final class TerminalInput implements ChatInput {
  private static final String PROMPT = "> ";
  private static final String CONTINUATION = ". ";

  private final Terminal terminal;
  private final LineReader reader;
  private volatile Cancellation answer = new Cancellation();

  private TerminalInput(Terminal terminal, LineReader reader) {
    this.terminal = terminal;
    this.reader = reader;
    terminal.handle(Terminal.Signal.INT, signal -> answer.cancel());
  }

  /**
   * The process's terminal.
   *
   * @param commands to complete
   */
  static TerminalInput open(Iterable<String> commands) {
    try {
      Terminal terminal =
          TerminalBuilder.builder()
              .system(true)
              .systemOutput(TerminalBuilder.SystemOutput.SysErrOrSysOut)
              .encoding(StandardCharsets.UTF_8)
              .nativeSignals(true)
              .dumb(true)
              .build();
      LineReader reader =
          LineReaderBuilder.builder()
              .terminal(terminal)
              .appName("coreinfer")
              .completer(new StringsCompleter(commands))
              .variable(LineReader.HISTORY_FILE, historyFile(System.getenv()))
              .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
              .build();
      return new TerminalInput(terminal, reader);
    } catch (IOException e) {
      throw new CoreInferException("the terminal can't be used: " + e.getMessage(), e);
    }
  }

  /** {@code coreinfer/chat_history} in the folder for states of programs, which is made. */
  static Path historyFile(Map<String, String> environment) throws IOException {
    String state = environment.getOrDefault("XDG_STATE_HOME", "");
    Path base =
        state.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".local", "state")
            : Path.of(state);
    Path folder = base.resolve("coreinfer");
    Files.createDirectories(folder);
    return folder.resolve("chat_history");
  }

  @Override
  public @Nullable String readLine(boolean isContinued) {
    while (true) {
      try {
        return reader.readLine(isContinued ? CONTINUATION : PROMPT);
      } catch (UserInterruptException e) {
        terminal.writer().println("(/exit or Ctrl-D ends the conversation)");
        terminal.flush();
      } catch (EndOfFileException e) {
        return null;
      }
    }
  }

  @Override
  public void interrupts(Cancellation cancellation) {
    answer = cancellation;
  }

  @Override
  public void close() {
    try {
      terminal.close();
    } catch (IOException e) {
      throw new CoreInferException("the terminal can't be left: " + e.getMessage(), e);
    }
  }
}
