package org.coreinfer.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.coreinfer.Calibrations;
import org.coreinfer.Model;
import org.coreinfer.calibration.Calibrator;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CalibrationFile;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.evaluation.Documents;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Learns from a corpus which neurons matter, and how many. */
@Command(
    name = "calibrate",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Learn from texts which neurons of a model matter, and how few it can do with.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer calibrate model.gguf --text corpus.txt",
      "  coreinfer calibrate model.gguf --text news.txt --text code.txt --document-tokens 512",
      "",
      "FILE holds documents with a line <|endoftext|> between them, of the kinds that the model will",
      "be used for: some hundreds of them. The result lies beside the model, where run, eval and",
      "show find it: then --keep is spent where it is worth most, and short prompts are helped by",
      "what is known of their like. A run that was interrupted goes on when it is started again."
    })
final class CalibrateCommand implements Callable<Integer> {
  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      converter = ModelPath.class,
      description = "GGUF file, Hugging Face folder, or the name of a pulled model.")
  @SuppressWarnings("NullAway.Init")
  private Path path;

  @Option(
      names = "--text",
      required = true,
      paramLabel = "FILE",
      description = "The documents; may be given more than once.")
  private List<Path> texts = List.of();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Where the calibration is written (default: MODEL.calibration).")
  private @Nullable Path out;

  @Option(
      names = "--rule",
      paramLabel = "NAME",
      defaultValue = CoreOptions.DEFAULT_RULE,
      description = "How neurons are ranked (default: ${DEFAULT-VALUE}).")
  private String rule = CoreOptions.DEFAULT_RULE;

  @Option(
      names = "--alpha",
      paramLabel = "SHARE",
      defaultValue = "" + CoreOptions.DEFAULT_ALPHA,
      description = "For the rules that count (default: ${DEFAULT-VALUE}).")
  private double alpha;

  @Option(
      names = "--max-documents",
      paramLabel = "N",
      description = "Read only the first N documents of each file (default: all).")
  private int maxDocuments = Integer.MAX_VALUE;

  @Option(
      names = "--document-tokens",
      paramLabel = "N",
      defaultValue = "256",
      description = "Read no more of a document (default: ${DEFAULT-VALUE}).")
  private int documentTokens;

  @Option(
      names = "--clusters",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Kinds of text to tell apart; 0 finds out how many (default: ${DEFAULT-VALUE}).")
  private int clusters;

  @Option(
      names = "--measured-documents",
      paramLabel = "N",
      defaultValue = "24",
      description = "Measure on so many documents, which are held out (default: ${DEFAULT-VALUE}).")
  private int measured;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the clustering (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--json", description = "Print one JSON object instead of a table.")
  private boolean isJson;

  @Mixin private ModelOptions models = new ModelOptions();

  CalibrateCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  /** What {@code --json} prints. */
  record Report(
      String file,
      int documents,
      long tokens,
      int clusters,
      int priorTokens,
      String rule,
      List<Point> keeps) {
    /**
     * What a keep fraction costs, and how the layers share it.
     *
     * @param isMapped whether what is left out is estimated by a linear map fitted for this keep
     */
    record Point(double keep, double kl, boolean isMapped, List<Double> shares) {}
  }

  @Override
  public Integer call() {
    Calibrator.Settings settings = settings();
    Path file = out == null ? Calibrations.besides(path) : out;
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Steps steps = new Steps(interrupt.cancellation());
        Model model = models.load(path, CoreOptions.dense(), streams, steps::loading)) {
      List<int[]> documents = documents(model);
      Path log = file.resolveSibling(file.getFileName() + ".part");
      if (Files.exists(log)) {
        streams.note("coreinfer: going on with " + log);
      }
      Calibrator calibrator =
          new Calibrator(
              model.decoder(), model.name(), model.fingerprint(), settings, model.cacheDtype());
      Calibration calibration = Usage.suited(spec, () -> calibrator.run(documents, log, steps));
      steps.end();
      CalibrationFile.write(calibration, file);
      Report report = report(file, calibration);
      streams.print(isJson ? Json.of(report) + "\n" : table(report));
    }
    return 0;
  }

  private Calibrator.Settings settings() {
    if (maxDocuments < 1) {
      throw Usage.error(spec, "--max-documents=" + maxDocuments + ": expected 1 or more");
    }
    if (documentTokens < 16) {
      throw Usage.error(spec, "--document-tokens=" + documentTokens + ": expected 16 or more");
    }
    if (measured < 1) {
      throw Usage.error(spec, "--measured-documents=" + measured + ": expected 1 or more");
    }
    return Usage.checked(
        spec,
        () ->
            Usage.suited(
                spec,
                () -> new Calibrator.Settings(rule, alpha, clusters, measured, seed),
                "--alpha",
                "--clusters"),
        "--rule");
  }

  private List<int[]> documents(Model model) {
    int most = Math.min(documentTokens, model.contextLength());
    List<int[]> documents = new ArrayList<>();
    int skipped = 0;
    for (Path text : texts) {
      for (String document : Documents.read(text, maxDocuments)) {
        int[] ids = model.tokenizer().encode(document, true, false);
        if (ids.length < 16) {
          skipped++;
        } else {
          documents.add(Arrays.copyOf(ids, Math.min(ids.length, most)));
        }
      }
    }
    if (skipped > 0) {
      streams.note("coreinfer: documents shorter than 16 tokens, skipped: " + skipped);
    }
    if (documents.size() < Calibrator.LEAST_DOCUMENTS) {
      throw new CoreInferException(
          "%d documents of 16 tokens or more: a calibration needs %d, and some hundreds are better"
              .formatted(documents.size(), Calibrator.LEAST_DOCUMENTS));
    }
    return documents;
  }

  private static Report report(Path file, Calibration calibration) {
    List<Report.Point> points = new ArrayList<>();
    Calibration.Budgets budgets = calibration.budgets();
    for (int i = 0; i < budgets.keeps().size(); i++) {
      List<Double> shares = new ArrayList<>();
      for (float share : budgets.shares()[i]) {
        shares.add((double) share);
      }
      points.add(
          new Report.Point(
              budgets.keeps().get(i),
              budgets.divergence().get(i),
              calibration.maps().containsKey(i),
              shares));
    }
    Calibration.Source source = calibration.source();
    return new Report(
        file.toString(),
        source.documents(),
        source.tokens(),
        calibration.clusters(),
        calibration.priorTokens(),
        source.rule(),
        points);
  }

  private static String table(Report report) {
    StringBuilder table = new StringBuilder();
    table.append(
        String.format(
            Locale.ROOT,
            "%s: %d documents, %d tokens; %d kinds of text; rule %s%n",
            report.file(),
            report.documents(),
            report.tokens(),
            report.clusters(),
            report.rule()));
    table.append("   keep   KL to dense   map   share of each layer\n");
    for (Report.Point point : report.keeps()) {
      StringBuilder shares = new StringBuilder();
      for (double share : point.shares()) {
        shares.append(String.format(Locale.ROOT, " %.2f", share));
      }
      table.append(
          String.format(
              Locale.ROOT,
              "  %5.2f   %11.4f   %-3s  %s%n",
              point.keep(),
              point.kl(),
              point.isMapped() ? "yes" : "",
              shares));
    }
    return table.toString();
  }

  /** A bar for each step of the work. */
  private final class Steps implements Calibrator.Monitor, AutoCloseable {
    private final Cancellation cancellation;
    private String current = "";
    private @Nullable Progress bar;

    Steps(Cancellation cancellation) {
      this.cancellation = cancellation;
    }

    void loading(double fraction) {
      progress("Loading", fraction);
    }

    @Override
    public void progress(String step, double fraction) {
      Progress shown = bar;
      if (shown == null || !step.equals(current)) {
        end();
        shown = new Progress(streams, cancellation, step);
        bar = shown;
        current = step;
      }
      shown.update(fraction);
    }

    void end() {
      if (bar != null) {
        bar.close();
        bar = null;
      }
    }

    @Override
    public void close() {
      end();
    }
  }
}
