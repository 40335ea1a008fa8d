package org.coreinfer.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;

/** Where the lines of a conversation come from. */
interface ChatInput extends AutoCloseable {
  /**
   * The next line.
   *
   * @param isContinued whether it belongs to the turn of the line before
   * @return null after the last one
   */
  @Nullable String readLine(boolean isContinued);

  /** From now on Ctrl-C cancels this, instead of what was named before. */
  void interrupts(Cancellation answer);

  @Override
  void close();

  /** Lines of a file or a pipe. Ctrl-C ends the process there. */
  static ChatInput ofStream(InputStream in) {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
    return new ChatInput() {
      @Override
      public @Nullable String readLine(boolean isContinued) {
        try {
          return lines.readLine();
        } catch (CharacterCodingException e) {
          throw new CoreInferException("stdin: is not UTF-8 text", e);
        } catch (IOException e) {
          throw new CoreInferException("stdin cannot be read: " + e.getMessage(), e);
        }
      }

      @Override
      public void interrupts(Cancellation answer) {
        // The process's own handler cancels whatever is computed.
      }

      @Override
      public void close() {
        // The process's stdin stays open.
      }
    };
  }

  /**
   * The next turn: a line, several that end with a backslash but the last, or all between two lines
   * of three quotes.
   *
   * @return null after the last one
   */
  default @Nullable String readTurn() {
    String line = readLine(false);
    if (line == null) {
      return null;
    }
    StringBuilder turn = new StringBuilder();
    boolean isQuoted = line.strip().equals(QUOTES);
    if (isQuoted) {
      line = readLine(true);
    }
    while (line != null && !(isQuoted && line.strip().equals(QUOTES))) {
      boolean goesOn = isQuoted || line.endsWith("\\");
      turn.append(line, 0, line.length() - (goesOn && !isQuoted ? 1 : 0));
      if (!goesOn) {
        break;
      }
      turn.append('\n');
      line = readLine(true);
    }
    return turn.toString().replaceFirst("\n\\z", "");
  }

  /** A line that begins or ends a turn of several lines. */
  String QUOTES = "\"\"\"";
}
