package org.coreinfer.cli;

import java.util.function.BooleanSupplier;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.GenerationCancelledException;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

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
    streams.note(command + ": " + sentence(e) + "; see " + command + " --help");
    if (isStacktraceAsked.getAsBoolean()) {
      e.printStackTrace(streams.err());
    }
    return WRONG_USAGE;
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
      streams.note("coreinfer: cancelled");
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
