package org.coreinfer.cli;

import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.GenerationCancelledException;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns exceptions into one sentence on stderr and an exit code. */
final class Failures implements IParameterExceptionHandler, IExecutionExceptionHandler {
  static final String STACKTRACE = "--stacktrace";

  private static final int DONE = CommandLine.ExitCode.OK;
  private static final int FAILED = CommandLine.ExitCode.SOFTWARE;
  private static final int WRONG_USAGE = CommandLine.ExitCode.USAGE;

  private final Streams streams;
  private final BooleanSupplier isStacktraceAsked;

  Failures(Streams streams, BooleanSupplier isStacktraceAsked) {
    this.streams = streams;
    this.isStacktraceAsked = isStacktraceAsked;
  }

  @Override
  public int handleParseException(ParameterException e, String[] args) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    streams.note(command + ": " + wrongUsage(e) + "; see " + command + " --help");
    if (isStacktraceAsked.getAsBoolean()) {
      e.printStackTrace(streams.err());
    }
    return WRONG_USAGE;
  }

  /** What picocli says, in the words of people. */
  private static String wrongUsage(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched) {
      String first = unmatched.getUnmatched().get(0);
      if (unmatched.isUnknownOption()) {
        return "unknown option " + first + similar(unmatched);
      }
      Set<String> commands = e.getCommandLine().getSubcommands().keySet();
      return commands.isEmpty()
          ? "one argument too many: '" + first + "'; put quotes around a text with spaces"
          : "unknown command '" + first + "': there are " + String.join(", ", commands);
    }
    return sentence(e)
        .replaceFirst("is not an? (int|long)$", "is not a whole number")
        .replaceFirst("is not a double$", "is not a number");
  }

  private static String similar(UnmatchedArgumentException e) {
    List<String> suggestions = e.getSuggestions();
    return suggestions.isEmpty() ? "" : "; similar: " + String.join(", ", suggestions);
  }

  @Override
  public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
    return report(streams, e, isStacktraceAsked.getAsBoolean());
  }

  /** Says what went wrong and returns the exit code. */
  static int report(Streams streams, Throwable thrown, boolean withStacktrace) {
    Throwable e =
        thrown instanceof ExecutionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    if (e instanceof Streams.ReaderGoneException) {
      return DONE;
    }
    if (e instanceof GenerationCancelledException) {
      return Interrupt.EXIT_CODE;
    }
    streams.note("coreinfer: " + reason(e, withStacktrace));
    if (withStacktrace) {
      e.printStackTrace(streams.err());
    }
    return FAILED;
  }

  private static String reason(Throwable e, boolean withStacktrace) {
    if (e instanceof CoreInferException) {
      return sentence(e);
    }
    if (e instanceof OutOfMemoryError) {
      return "the Java heap is full (" + e.getMessage() + "); give java a larger one with -Xmx";
    }
    String hint = withStacktrace ? "" : "; " + STACKTRACE + " shows where";
    return "unexpected " + e.getClass().getSimpleName() + ": " + sentence(e) + hint;
  }

  /** The message on one line. */
  private static String sentence(Throwable e) {
    return String.valueOf(e.getMessage()).strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
