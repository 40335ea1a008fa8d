package org.coreinfer.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.hub.HubSettings;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The top of the command line. */
@Command(
    name = "coreinfer",
    description = "LLM inference for the JVM that computes only a prompt's core neurons.",
    versionProvider = CoreInferCommand.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer run -p \"Once upon a time\"                  the embedded model",
      "  coreinfer run model.gguf -p \"Hello\" -n 64 --keep 0.4",
      "  coreinfer chat model.gguf                            a conversation",
      "  coreinfer serve model.gguf                           OpenAI's API over HTTP",
      "  coreinfer show model.gguf                            sizes and memory",
      "  coreinfer eval model.gguf --text texts.txt --keep 0.2",
      "  coreinfer bench model.gguf --keep 1,0.4,0.2          tokens/s",
      "  coreinfer neurons --text a.txt --text b.txt --plot p  core neurons as pictures",
      "  coreinfer doctor                                     does it work here?",
      "",
      "MODEL is a GGUF file, a Hugging Face folder, or the name of a model that was pulled, such as",
      "owner/name:Q4_K_M; left out, the embedded model.",
      "Results go to stdout, all else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage."
    })
public final class CoreInferCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean isHelpAsked;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean isVersionAsked;

  @Option(
      names = Failures.STACKTRACE,
      scope = ScopeType.INHERIT,
      description = "Show where an error comes from.")
  private boolean isStacktraceAsked;

  private CoreInferCommand() {}

  /** The whole command, on these streams; cancelling ends what it does. */
  static CommandLine create(Streams streams, Cancellation cancellation, Ansi ansi) {
    CoreInferCommand top = new CoreInferCommand();
    CommandLine command = new CommandLine(top);
    command.addSubcommand(new RunCommand(streams, cancellation));
    command.addSubcommand(new ChatCommand(streams, cancellation));
    command.addSubcommand(new TemplateCommand(streams));
    command.addSubcommand(new ServeCommand(streams, cancellation));
    command.addSubcommand(new TokenizeCommand(streams));
    command.addSubcommand(new ShowCommand(streams));
    command.addSubcommand(new EvalCommand(streams, cancellation));
    command.addSubcommand(new BenchCommand(streams, cancellation));
    command.addSubcommand(new NeuronsCommand(streams, cancellation));
    command.addSubcommand(new CalibrateCommand(streams, cancellation));
    command.addSubcommand(new BatchCommand(streams, cancellation));
    command.addSubcommand(new ConvertCommand(streams, cancellation));
    command.addSubcommand(new QuantizeCommand(streams, cancellation));
    command.addSubcommand(new SynthCommand(streams, cancellation));
    command.addSubcommand(new PullCommand(streams, cancellation, HubSettings::ofEnvironment));
    command.addSubcommand(new LsCommand(streams, HubSettings::ofEnvironment));
    command.addSubcommand(new RmCommand(streams, HubSettings::ofEnvironment));
    command.addSubcommand(new DoctorCommand(streams));
    command.addSubcommand(new CompletionCommand(streams));
    Failures failures = new Failures(streams, () -> top.isStacktraceAsked);
    return command
        .setOut(streams.outWriter())
        .setErr(streams.errWriter())
        .setColorScheme(CommandLine.Help.defaultColorScheme(ansi))
        .setUsageHelpAutoWidth(false)
        .setUsageHelpWidth(100)
        .setExpandAtFiles(false)
        .setParameterExceptionHandler(failures)
        .setExecutionExceptionHandler(failures);
  }

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    Streams streams = Streams.ofProcess();
    int code;
    try {
      code = create(streams, new Cancellation(), Ansi.AUTO).execute(args);
    } catch (Throwable e) { // errors pass picocli by, such as a full Java heap
      code = Failures.report(streams, e, Arrays.asList(args).contains(Failures.STACKTRACE));
    }
    System.exit(code);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "a command is missing: " + String.join(", ", spec.subcommands().keySet()));
  }

  /** The version that the build wrote beside this class. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
      try (InputStream in = CoreInferCommand.class.getResourceAsStream("version.txt")) {
        String version =
            in == null ? "unknown" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        return new String[] {"coreinfer " + version};
      }
    }
  }
}
