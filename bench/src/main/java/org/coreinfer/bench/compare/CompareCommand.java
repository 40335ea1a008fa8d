package org.coreinfer.bench.compare;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.coreinfer.backend.Host;
import org.coreinfer.bench.compare.CompareReport.Series;
import org.coreinfer.cli.Canvas;
import org.coreinfer.cli.Json;
import org.coreinfer.cli.Usage;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.weights.Quantization;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Compares this engine with others. */
@Command(
    name = "bench/compare.sh",
    sortOptions = false,
    description =
        "Run coreinfer and other engines' binaries in turn, on the same files and threads.",
    footerHeading = "%nExample:%n",
    footer = {
      "  bench/compare.sh --shape llama-2-7b --dtype q4_0,f16 --keep 1,0.4,0.2 \\",
      "      --llama-bench /opt/llama.cpp/llama-bench \\",
      "      --llama-bench \"other=/opt/other/llama-bench -rtr 1\" \\",
      "      --powerinfer /opt/powerinfer/main \\",
      "      --command \"mine=/opt/mine -m {model} -t {threads} -n {tokens}\" --pattern \"mine=(\\S+) t/s\"",
      "",
      "Writes OUT.json, OUT.md and OUT.png. Decoding begins at the start of a text for all engines.",
      "PowerInfer's active neurons are as many as --keep. Exit codes: 0 done, 1 an engine failed,",
      "2 wrong usage."
    })
public final class CompareCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Option(
      names = "--shape",
      paramLabel = "NAME",
      defaultValue = "tinyllama-1.1b",
      description = "As coreinfer synth has them (default: ${DEFAULT-VALUE}).")
  private String shape = "";

  @Option(names = "--layers", paramLabel = "N", description = "Fewer layers than the shape has.")
  private int layers;

  @Option(
      names = "--dtype",
      paramLabel = "T",
      split = ",",
      defaultValue = "q4_0",
      description = "Dtypes, such as q4_0,f16 (default: ${DEFAULT-VALUE}).")
  private List<Quantization> dtypes = List.of();

  @Option(
      names = "--keep",
      paramLabel = "F",
      split = ",",
      defaultValue = "1,0.4,0.2",
      description = "Fractions of FFN neurons (default: ${DEFAULT-VALUE}).")
  private List<Double> keeps = List.of();

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Of every engine (default: one per processor).")
  private int threads;

  @Option(
      names = "--activation-bits",
      paramLabel = "N",
      split = ",",
      defaultValue = "" + Host.USUAL_ACTIVATION_BITS,
      description = "Of coreinfer, such as 16,8; other engines keep 8 (default: ${DEFAULT-VALUE}).")
  private List<Integer> activationBits = List.of();

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "N",
      defaultValue = "128",
      description = "Tokens of the prompt to read; 0 for none (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = {"-n", "--tokens"},
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens to decode (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      defaultValue = "5",
      description = "How often each engine runs (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--llama-bench",
      paramLabel = "[LABEL=]PATH",
      description = "A llama-bench of llama.cpp or a fork, with arguments if it needs any.")
  private List<String> llamaBenches = List.of();

  @Option(names = "--powerinfer", paramLabel = "PATH", description = "PowerInfer's main.")
  private @Nullable String powerInfer;

  @Option(
      names = "--command",
      paramLabel = "LABEL=COMMAND",
      description =
          "Any command, run here; {model} {threads} {prompt} {prompt_tokens} {tokens} are replaced.")
  private Map<String, String> commands = Map.of();

  @Option(
      names = "--pattern",
      paramLabel = "LABEL=REGEX",
      description = "Finds tokens/s in what a --command prints, as its first group.")
  private Map<String, String> patterns = Map.of();

  @Option(
      names = "--models",
      paramLabel = "FOLDER",
      description = "Where model files are, or are written and stay (default: temporary files).")
  private @Nullable Path models;

  @Option(
      names = "--out",
      paramLabel = "OUT",
      description = "Names the results (default: bench/results/compare_SHAPE).")
  private @Nullable Path out;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "900",
      description = "After which a run is ended (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean isHelpAsked;

  private final PrintStream err;

  CompareCommand(PrintStream err) {
    this.err = err;
  }

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(run(new PrintStream(System.err, true, StandardCharsets.UTF_8), args));
  }

  /**
   * Runs the command.
   *
   * @param err receives what people should know
   * @return the exit code
   */
  static int run(PrintStream err, String... args) {
    return new CommandLine(new CompareCommand(err))
        .setUsageHelpWidth(100)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(
            (e, arguments) -> {
              err.println("compare: " + e.getMessage() + "; see bench/compare.sh --help");
              return CommandLine.ExitCode.USAGE;
            })
        .setExecutionExceptionHandler(
            (e, command, parsed) -> {
              err.println("compare: " + e.getMessage());
              if (!(e instanceof CoreInferException)) {
                e.printStackTrace(err);
              }
              return CommandLine.ExitCode.SOFTWARE;
            })
        .execute(args);
  }

  @Override
  public Integer call() throws InterruptedException, IOException {
    ModelShape sizes = checked(() -> ModelShape.of(shape).withLayers(layers));
    List<Contender> contenders = checked(this::contenders);
    checkNumbers();
    Canvas.requireFonts();
    Path results = out == null ? usualFolder().resolve("compare_" + shape) : out;
    Files.createDirectories(results.toAbsolutePath().getParent());
    Machine machine = Machine.here();
    List<CompareReport.Model> measured = new ArrayList<>();
    boolean isComplete = true;
    for (Quantization dtype : dtypes) {
      CompareReport.Model model = measure(sizes, dtype, contenders);
      measured.add(model);
      isComplete &= model.rows().stream().allMatch(row -> row.failure() == null);
      write(report(sizes, machine, measured), results);
    }
    return isComplete ? 0 : 1;
  }

  /** The script says where its repository is. */
  private static Path usualFolder() {
    return Path.of(System.getProperty("coreinfer.bench.results", "bench/results"));
  }

  /** What the library refuses is wrong usage. */
  private <T> T checked(Supplier<T> value) {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private void checkNumbers() {
    require(prompt >= 0, "-p=" + prompt + ": expected 0 or more");
    require(tokens >= 2, "-n=" + tokens + ": expected 2 or more");
    require(rounds >= 1, "-r=" + rounds + ": expected 1 or more");
    require(timeout >= 1, "--timeout=" + timeout + ": expected 1 or more");
    require(threads >= 0, "--threads=" + threads + ": expected 0 (all) or more");
    for (double keep : keeps) {
      require(keep > 0 && keep <= 1, "--keep=" + keep + ": expected above 0, at most 1");
    }
    for (int bits : activationBits) {
      Usage.checked(spec, () -> Host.requireActivationBits(bits), "--activation-bits");
    }
    for (String label : patterns.keySet()) {
      require(commands.containsKey(label), "--pattern " + label + ": there is no such --command");
    }
  }

  private void require(boolean isGiven, String refusal) {
    if (!isGiven) {
      throw new ParameterException(spec.commandLine(), refusal);
    }
  }

  private List<Contender> contenders() {
    Map<String, Pattern> rates = new LinkedHashMap<>();
    patterns.forEach((label, regex) -> rates.put(label, pattern(label, regex)));
    Contenders contenders = new Contenders();
    llamaBenches.forEach(contenders::llamaBench);
    commands.forEach((label, command) -> contenders.command(label, command, rates));
    if (powerInfer != null) {
      contenders.powerInfer(powerInfer, keeps);
    }
    activationBits.forEach(bits -> contenders.coreInfer(bits, keeps));
    return contenders.list();
  }

  private static Pattern pattern(String label, String regex) {
    try {
      Pattern pattern = Pattern.compile(regex);
      if (pattern.matcher("").groupCount() < 1) {
        throw new IllegalArgumentException(
            "--pattern " + label + ": put the number into a group, as in (\\S+) t/s");
      }
      return pattern;
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "--pattern " + label + " is no regular expression: " + e.getDescription(), e);
    }
  }

  private CompareReport.Model measure(
      ModelShape sizes, Quantization dtype, List<Contender> contenders)
      throws InterruptedException, IOException {
    Path folder = models;
    if (folder != null) {
      Files.createDirectories(folder);
      return measure(sizes, dtype, contenders, folder.toAbsolutePath());
    }
    Path temporary = Files.createTempDirectory("coreinfer-compare");
    try {
      return measure(sizes, dtype, contenders, temporary);
    } finally {
      delete(temporary);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  private CompareReport.Model measure(
      ModelShape sizes, Quantization dtype, List<Contender> contenders, Path folder)
      throws InterruptedException {
    err.println("compare: making " + sizes.name() + " in " + dtype);
    Double active = powerInfer == null ? null : keeps.get(0);
    ModelFiles files = ModelFiles.make(folder, sizes, dtype, active);
    int workers = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    Trial trial = new Trial(files, workers, prompt, tokens, timeout);
    List<Series> all = contenders.stream().map(Series::new).toList();
    for (int round = 0; round < rounds; round++) {
      for (Series series : all) {
        if (!series.hasFailed()) {
          run(series, trial, "%s, round %d of %d".formatted(dtype, round + 1, rounds));
        }
      }
    }
    return CompareReport.model(dtype.toString(), trial, all);
  }

  private void run(Series series, Trial trial, String when) throws InterruptedException {
    Contender contender = series.contender();
    try {
      Measured measured = contender.run(trial);
      series.add(measured);
      err.printf(
          Locale.ROOT,
          "compare: %s: %s%s: %.2f tokens/s%n",
          when,
          contender.label(),
          contender.keep() == null ? "" : " " + contender.keep(),
          measured.decodeRate());
    } catch (EngineFailure e) {
      series.fail(String.valueOf(e.getMessage()));
      err.println("compare: " + when + ": " + e.getMessage());
    }
  }

  private CompareReport report(
      ModelShape sizes, Machine machine, List<CompareReport.Model> measured) {
    return new CompareReport(
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        machine,
        version(),
        sizes.name(),
        sizes.layers(),
        threads == 0 ? machine.processors() : threads,
        prompt,
        tokens,
        rounds,
        measured);
  }

  /** Of this engine, as the build names it. */
  static String version() {
    String version = CompareCommand.class.getPackage().getImplementationVersion();
    return version == null ? "unknown" : version;
  }

  private void write(CompareReport report, Path results) {
    String table = report.markdown();
    try {
      Files.writeString(sibling(results, ".json"), Json.pretty(report) + "\n");
      Files.writeString(sibling(results, ".md"), table);
    } catch (IOException e) {
      throw new UncheckedIOException(results + ": cannot be written", e);
    }
    CompareChart.draw(report, sibling(results, ".png"));
    err.println(table);
    err.println("compare: wrote " + results + ".json, .md and .png");
  }

  private static Path sibling(Path results, String ending) {
    return results.resolveSibling(results.getFileName() + ending);
  }
}
