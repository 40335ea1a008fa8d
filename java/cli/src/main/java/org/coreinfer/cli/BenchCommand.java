package org.coreinfer.cli;

import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.coreinfer.Model;
import org.coreinfer.ModelSummary;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.evaluation.ReadBandwidth;
import org.coreinfer.evaluation.SpeedPlan;
import org.coreinfer.evaluation.SpeedTest;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures tokens per second. */
@Command(
    name = "bench",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Measure how quickly prompts are read and answers are decoded.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer bench",
      "  coreinfer bench model.gguf -p 512 -n 128 -r 5 --keep 1,0.4,0.2",
      "  coreinfer bench model.gguf -p 0 -n 64,256 --depth 1024 --threads 8 -o json",
      "",
      "pp512 reads a prompt of 512 random tokens, with the choice of core neurons; tg128 decodes 128",
      "tokens, greedily. All values of --keep are measured in each round; a row shows the median, the",
      "least and the most of the rounds. MB/token are weights that decoding a token reads, and the last",
      "column is their share of what the device can read: an F32 matrix times a vector, with the same",
      "threads, best of the rounds. Models that a cache holds can exceed it."
    })
final class BenchCommand implements Callable<Integer> {
  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "N",
      split = ",",
      hideParamSyntax = true,
      defaultValue = "512",
      description = "Tokens of prompts; 0 for none (default: ${DEFAULT-VALUE}).")
  private List<Integer> prompts = List.of();

  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      split = ",",
      hideParamSyntax = true,
      defaultValue = "128",
      description = "Tokens to decode; 0 for none (default: ${DEFAULT-VALUE}).")
  private List<Integer> answers = List.of();

  @Option(
      names = {"-d", "--depth"},
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens before those that are decoded (default: ${DEFAULT-VALUE}).")
  private int depth;

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      defaultValue = "5",
      description = "How often everything is measured (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "md",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private BenchReport.Format format = BenchReport.Format.MD;

  @Mixin private NeuronOptions neurons = new NeuronOptions();
  @Mixin private ModelOptions models = new ModelOptions();

  BenchCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() {
    List<CoreOptions> options = neurons.toCombinations(argument.path(), streams);
    if (options.stream().anyMatch(one -> one.upkeep().isLossless())) {
      throw Usage.error(
          spec,
          "--lossless: how many drafts are accepted depends on the text; run shows its speed");
    }
    SpeedPlan plan = plan(options);
    ModelSummary summary = ModelOptions.builder(spec, argument.path(), null).summarize();
    CoreOptions widest = Collections.max(options, Comparator.comparing(CoreOptions::keep));
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Progress loading = new Progress(streams, interrupt.cancellation(), "Loading");
        Model model = models.load(argument.path(), widest, streams, loading::update)) {
      loading.end();
      SpeedTest test =
          neurons.suitedLayers(
              () ->
                  Usage.suited(
                      spec,
                      () -> new SpeedTest(model.decoder(), model.cacheDtype(), plan),
                      "--context"));
      measure(model, summary, test);
    }
    return 0;
  }

  private SpeedPlan plan(List<CoreOptions> options) {
    try {
      return new SpeedPlan(prompts, answers, depth, rounds, options);
    } catch (IllegalArgumentException e) {
      throw Usage.error(spec, "--" + e.getMessage());
    }
  }

  private void measure(Model model, ModelSummary summary, SpeedTest test) {
    try (Progress progress = new Progress(streams, cancellation, "Measuring");
        ReadBandwidth bandwidth = bandwidth(model)) {
      Runnable beforeRound = bandwidth == null ? () -> {} : bandwidth::measure;
      List<SpeedTest.Result> results = test.run(beforeRound, progress::update);
      progress.end();
      if (bandwidth != null) {
        streams.note(
            String.format(
                Locale.ROOT,
                "read bandwidth: %.1f GB/s (%s); %s",
                bandwidth.bytesPerSecond() * 1e-9,
                bandwidth.description(),
                model.backend()));
      }
      BenchReport.Setting setting =
          new BenchReport.Setting(
              summary.name(),
              dtype(summary),
              model.backendName(),
              models.threads(),
              model.decoder().backend().isHost() ? models.activationBits() : null,
              depth,
              bandwidth == null ? null : bandwidth.bytesPerSecond());
      streams.print(BenchReport.of(setting, results, format));
    }
  }

  private @Nullable ReadBandwidth bandwidth(Model model) {
    try {
      return new ReadBandwidth(model.decoder().backend());
    } catch (OutOfNativeMemoryException e) {
      streams.note("coreinfer: the bandwidth is not measured: " + e.getMessage());
      return null;
    }
  }

  /** The dtype of most bytes. */
  private static String dtype(ModelSummary summary) {
    return summary.storage().stream()
        .max(Comparator.comparing(ModelSummary.Storage::bytes))
        .map(storage -> storage.dtype().name())
        .orElse("none");
  }
}
