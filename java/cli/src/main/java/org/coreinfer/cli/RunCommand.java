package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Refreshes;
import org.coreinfer.generation.Timings;
import org.coreinfer.generation.Token;
import org.coreinfer.generation.TokenStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Generates text. */
@Command(
    name = "run",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Continue a text.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer run -p \"Once upon a time\"",
      "  coreinfer run model.gguf -f prompt.txt -n 64 --keep 0.2 --rule impact",
      "  echo \"Dear Mia,\" | coreinfer run --temperature 0.8 --top-p 0.9 --seed 7",
      "  coreinfer run -p \"One day\" --method dense --json",
      "  coreinfer run llama-2-7b.gguf -f prompt.txt --keep 0.6 --lossless",
      "  coreinfer run llama-3.1-8b.gguf -f prompt.txt --json-schema person.schema.json",
      "  coreinfer run llama-2-7b.gguf -f prompt.txt --backend cuda --gpu-memory 7.3G",
      "",
      "Text from a file or stdin is UTF-8; one line break at its end is dropped.",
      "Only the continuation goes to stdout, as it comes; rates go to stderr."
    })
final class RunCommand implements Callable<Integer> {
  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      description = "The text to continue.")
  private @Nullable String prompt;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "File with the text to continue; stdin when neither is given.")
  private @Nullable Path file;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean isJson;

  @Mixin private AnswerOptions answer = new AnswerOptions();
  @Mixin private NeuronOptions neurons = new NeuronOptions();
  @Mixin private ModelOptions models = new ModelOptions();

  RunCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() {
    CoreOptions core = neurons.toCoreOptions(argument.path(), streams);
    GenerationRequest.Builder request = answer.toRequest(readPrompt()).cancellation(cancellation);
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Model model = models.load(argument.path(), core, streams, interrupt.cancellation())) {
      answer.constrain(request, model.tokenizer());
      try (Session session = neurons.suitedLayers(() -> model.newSession(core))) {
        GenerationResult result = answer(session, request);
        if (result.finishReason() == FinishReason.CANCELLED) {
          throw new GenerationCancelledException("cancelled");
        }
        if (isJson) {
          streams.println(Json.of(RunReport.of(model, result)));
        } else {
          streams.note(summary(model, result));
        }
      }
    }
    return 0;
  }

  private String readPrompt() {
    if (prompt != null && file != null) {
      throw Usage.error(spec, "give --prompt or --file, not both");
    }
    if (prompt != null) {
      return prompt;
    }
    if (file != null) {
      return TextInput.ofFile(file);
    }
    if (streams.isInputTerminal()) {
      throw Usage.error(spec, "there is no prompt: give -p TEXT or -f FILE, or pipe text in");
    }
    String text = TextInput.ofStream(streams.in());
    if (text.isEmpty()) {
      throw Usage.error(spec, "there is no prompt: stdin is empty; give -p TEXT or -f FILE");
    }
    return text;
  }

  private GenerationResult answer(Session session, GenerationRequest.Builder request) {
    try (Progress reading = new Progress(streams, cancellation, "Reading the prompt");
        TokenStream tokens = open(session, request.prefillProgress(reading::update).build())) {
      String last = "";
      for (Token token : tokens) {
        reading.end();
        String text = token.text();
        if (!isJson && !text.isEmpty()) {
          streams.print(text);
          last = text;
        }
      }
      if (!isJson && !last.endsWith("\n")) {
        streams.println("");
      }
      return tokens.result();
    }
  }

  /** What the session refuses before it starts lies in the prompt: its length, most often. */
  private static TokenStream open(Session session, GenerationRequest request) {
    try {
      return session.stream(request);
    } catch (IllegalArgumentException e) {
      throw new CoreInferException(String.valueOf(e.getMessage()), e);
    }
  }

  private static String refreshes(GenerationResult result) {
    Refreshes refreshes = result.refreshes();
    if (refreshes.count() == 0) {
      return "";
    }
    return String.format(
        Locale.ROOT,
        ", refreshed %d times in %.1f ms, drift %.1f %%",
        refreshes.count(),
        refreshes.nanos() / 1e6,
        100 * refreshes.drift());
  }

  private static String summary(Model model, GenerationResult result) {
    Timings timings = result.timings();
    CoreOptions core = result.core();
    String neurons =
        core.method() == CoreOptions.Method.DENSE
            ? "dense"
            : String.format(
                    Locale.ROOT,
                    "%s, keep %.3g, rule %s",
                    core.method().name().toLowerCase(Locale.ROOT),
                    core.keep(),
                    core.rule())
                + refreshes(result);
    return String.format(
        Locale.ROOT,
        "prefill %d tokens, %.1f tokens/s; decode %d tokens, %.1f tokens/s; %s%s; %s",
        timings.promptTokens(),
        timings.prefillTokensPerSecond(),
        timings.decodeSteps(),
        timings.decodeTokensPerSecond(),
        neurons,
        lossless(result.drafts()),
        model.backend());
  }

  private static String lossless(@Nullable Drafts drafts) {
    return drafts == null
        ? ""
        : String.format(
            Locale.ROOT,
            ", lossless: %d of %d drafts accepted, %.1f tokens per pass",
            drafts.accepted(),
            drafts.drafted(),
            drafts.tokensPerPass());
  }
}
