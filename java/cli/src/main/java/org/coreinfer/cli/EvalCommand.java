package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.evaluation.Documents;
import org.coreinfer.evaluation.Evaluation;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.TimedAnswer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures what core neurons cost in quality. */
@Command(
    name = "eval",
    sortOptions = false,
    abbreviateSynopsis = true,
    description =
        "Compare core neurons with dense decoding: perplexity, divergence and agreement on texts, or"
            + " the scores of answers to questions.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer eval --text stories.txt --keep 0.4",
      "  coreinfer eval model.gguf --text stories.txt --keep 0.2 --rule norm --json",
      "  coreinfer eval --text stories.txt --rule paper,norm,relative --keep 0.2,0.4,0.6 --plot q.png",
      "  coreinfer eval model.gguf --text stories.txt --max-documents 20 --context 512",
      "  coreinfer eval --text stories.txt --keep 0.4 --refresh 0,8,32",
      "  coreinfer eval --text stories.txt --keep 0.4,0.8 --lossless --drafts 4",
      "  coreinfer eval model.gguf --task triviaqa.csv --keep 0.2 --rule paper --limit 500",
      "  coreinfer eval model.gguf --task wmt16-ro-en.json --keep 0.4 --shots 3 --json",
      "",
      "A text holds documents with a line <|endoftext|> between them. The first half of each is the",
      "prompt, the rest is fed token by token, densely and with the prompt's core neurons.",
      "--method, --rule, --keep and --refresh take lists, such as --keep 0.2,0.4: all combinations are",
      "compared; each --refresh also with a larger set of as many computed neurons that stays as it is.",
      "With --lossless the prompts are answered, too, and timed against dense answers.",
      "--plot draws the divergence over the bytes that decoding a token reads. A task holds questions;",
      "each is answered greedily, densely and with its prompt's core neurons."
    })
final class EvalCommand implements Callable<Integer> {
  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(names = "--text", paramLabel = "FILE", description = "The documents.")
  private @Nullable Path text;

  @Option(names = "--json", description = "Print one JSON object instead of a table.")
  private boolean isJson;

  @Option(
      names = "--drafts",
      paramLabel = "N",
      description =
          "Let --lossless draft N tokens for each pass, whether they pay or not (default: as many as"
              + " pay).")
  private @Nullable Integer drafts;

  @Mixin private PromptOptions prompts = new PromptOptions();
  @Mixin private DocumentOptions documents = new DocumentOptions();
  @Mixin private PlotOptions plot = new PlotOptions();
  @Mixin private TaskOptions tasks = new TaskOptions();
  @Mixin private NeuronOptions neurons = new NeuronOptions();
  @Mixin private ModelOptions models = new ModelOptions();

  EvalCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() {
    prompts.check();
    checkDrafts();
    if (tasks.isAskedInsteadOf(text)) {
      CoreOptions core = neurons.toCoreOptions(argument.path(), streams);
      TaskEvaluation evaluation = new TaskEvaluation(tasks, streams, cancellation);
      return neurons.suitedLayers(() -> evaluation.run(models, argument.path(), core, isJson));
    }
    return compare(Objects.requireNonNull(text));
  }

  private void checkDrafts() {
    if (drafts == null) {
      return;
    }
    if (drafts < 1 || drafts > TimedAnswer.MOST_DRAFTS) {
      throw Usage.error(
          spec, "--drafts=%d: expected 1 to %d".formatted(drafts, TimedAnswer.MOST_DRAFTS));
    }
    if (!neurons.isLossless() || text == null) {
      throw Usage.error(spec, "--drafts: goes with --text and --lossless");
    }
  }

  private int compare(Path file) {
    List<CoreOptions> cores = neurons.toCombinations(argument.path(), streams);
    plot.check();
    if (plot.isWanted() && cores.stream().allMatch(core -> core.method() == Method.DENSE)) {
      throw Usage.error(spec, "--plot: dense decoding has no divergence to draw; give --keep");
    }
    List<String> read = Documents.read(file, documents.most());
    CoreOptions widest = Collections.max(cores, Comparator.comparing(CoreOptions::keep));
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Model model = models.load(argument.path(), widest, streams, interrupt.cancellation())) {
      Evaluation evaluation = evaluate(model, cores, file, read);
      streams.print(isJson ? EvalReport.json(evaluation) : EvalTable.of(evaluation));
      plot.draw(streams, () -> EvalPictures.of(model.name(), evaluation));
    }
    return 0;
  }

  private Evaluation evaluate(Model model, List<CoreOptions> cores, Path file, List<String> read) {
    List<int[]> tokens = DocumentOptions.tokens(model, file, read, prompts.least(), streams);
    int perPass = drafts == null ? 0 : drafts;
    Evaluator evaluator =
        neurons.suitedLayers(
            () -> new Evaluator(model.decoder(), cores, perPass, model.cacheDtype()));
    try (Progress progress = new Progress(streams, cancellation, "Evaluating")) {
      for (int i = 0; i < tokens.size(); i++) {
        int[] ids = tokens.get(i);
        double done = i;
        evaluator.add(
            ids,
            prompts.of(ids.length),
            fraction -> progress.update((done + fraction) / tokens.size()));
      }
    }
    return evaluator.result();
  }
}
