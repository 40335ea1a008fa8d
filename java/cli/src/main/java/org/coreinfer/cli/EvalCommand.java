package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.evaluation.Documents;
import org.coreinfer.evaluation.Evaluation;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
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
      "  coreinfer eval --text stories.txt",
      "  coreinfer eval model.gguf --text stories.txt --keep 0.2 --rule norm --json",
      "  coreinfer eval model.gguf --text stories.txt --max-documents 20 --context 512",
      "  coreinfer eval model.gguf --task triviaqa.csv --keep 0.2 --rule paper --limit 500",
      "  coreinfer eval model.gguf --task wmt16-ro-en.json --keep 0.4 --shots 3 --json",
      "",
      "A text holds documents with a line <|endoftext|> between them. The first half of each is the",
      "prompt, the rest is fed token by token, densely and with the prompt's core neurons. A task",
      "holds questions; each is answered greedily, densely and with its prompt's core neurons."
    })
final class EvalCommand implements Callable<Integer> {
  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      description = "GGUF file or Hugging Face folder (default: the embedded model).")
  private @Nullable Path path;

  @Option(names = "--text", paramLabel = "FILE", description = "The documents.")
  private @Nullable Path text;

  @Option(
      names = "--prompt-fraction",
      paramLabel = "F",
      defaultValue = "0.5",
      description = "Share of a document's tokens that is its prompt (default: ${DEFAULT-VALUE}).")
  private double promptFraction;

  @Option(
      names = "--max-documents",
      paramLabel = "N",
      description = "Read only the first N documents (default: all).")
  private int maxDocuments = Integer.MAX_VALUE;

  @Option(names = "--json", description = "Print one JSON object instead of a table.")
  private boolean isJson;

  @Mixin private TaskOptions tasks = new TaskOptions();
  @Mixin private NeuronOptions neurons = new NeuronOptions();
  @Mixin private ModelOptions models = new ModelOptions();

  EvalCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() {
    checkOptions();
    CoreOptions core = neurons.toCoreOptions(path, streams);
    if (tasks.isAskedInsteadOf(text)) {
      TaskEvaluation evaluation = new TaskEvaluation(tasks, streams, cancellation);
      return neurons.suitedLayers(() -> evaluation.run(models, path, core, isJson));
    }
    List<String> documents = Documents.read(Objects.requireNonNull(text), maxDocuments);
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Progress loading = new Progress(streams, interrupt.cancellation(), "Loading");
        Model model = models.load(path, core, streams, loading::update)) {
      loading.end();
      Evaluation evaluation = evaluate(model, core, documents);
      streams.print(isJson ? Json.of(evaluation) + "\n" : table(evaluation));
    }
    return 0;
  }

  private void checkOptions() {
    if (!(promptFraction > 0 && promptFraction < 1)) {
      throw Usage.error(
          spec, "--prompt-fraction=" + promptFraction + ": expected above 0, below 1");
    }
    if (maxDocuments < 1) {
      throw Usage.error(spec, "--max-documents=" + maxDocuments + ": expected 1 or more");
    }
  }

  private Evaluation evaluate(Model model, CoreOptions core, List<String> documents) {
    int skipped = 0;
    try (Evaluator evaluator = newEvaluator(model, core);
        Progress progress = new Progress(streams, cancellation, "Evaluating")) {
      for (int i = 0; i < documents.size(); i++) {
        int[] ids = tokens(model, documents.get(i));
        double done = i;
        if (ids.length < 2) {
          skipped++;
        } else {
          evaluator.add(
              ids,
              Evaluator.promptTokens(ids.length, promptFraction),
              fraction -> progress.update((done + fraction) / documents.size()));
        }
      }
      progress.end();
      if (skipped > 0) {
        streams.note("coreinfer: documents shorter than two tokens, skipped: " + skipped);
      }
      if (skipped == documents.size()) {
        throw new CoreInferException(text + ": has no document of two tokens or more");
      }
      return evaluator.result();
    }
  }

  private Evaluator newEvaluator(Model model, CoreOptions core) {
    return neurons.suitedLayers(
        () -> new Evaluator(model.decoder(), core, model.contextLength(), model.cacheDtype()));
  }

  /** A document's tokens, cut to the context. */
  private static int[] tokens(Model model, String document) {
    int[] ids = model.tokenizer().encode(document, true, false);
    return Arrays.copyOf(ids, Math.min(ids.length, model.contextLength()));
  }

  private static String table(Evaluation result) {
    Evaluation.Dense dense = result.dense();
    Evaluation.Core core = result.core();
    return String.format(
        Locale.ROOT,
        """
        %d documents, %d tokens scored
                              dense       core
        nll per token    %10.4f %10.4f  nats
        perplexity       %10.3f %10.3f
        KL divergence             - %10.4f  nats
        same best token           - %10.1f  %%
        neurons computed      100.0 %10.1f  %%
        """,
        result.documents(),
        result.tokens(),
        dense.nll(),
        core.nll(),
        dense.perplexity(),
        core.perplexity(),
        core.kl(),
        100 * core.top1Agreement(),
        100 * core.keepMeasured());
  }
}
