package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.coreinfer.ComputeDevice;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.GenerationRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers the prompts of a table on Spark. */
@Command(
    name = "batch",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Answer every row of a table, on this machine or on a Spark cluster.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer batch questions.jsonl answers --prompt-column question",
      "  coreinfer batch in.parquet out --prompt-column text --prefix answer_ --model model.gguf",
      "  coreinfer batch in.csv out --prompt-column q --master spark://host:7077 --send-model \\",
      "    --model model.gguf --chat --keep 0.4",
      "",
      "IN is a file or folder of Parquet, JSON lines or CSV with a head; OUT a folder of the same, in",
      "which rows have the columns text, tokens, finish_reason, timings, core and error, too. A row",
      "that can't be answered has an error; all others are answered. What was finished when a run",
      "broke off is not done again when the same command is given once more."
    })
final class BatchCommand implements Callable<Integer> {
  private static final List<String> FORMATS = List.of("parquet", "jsonl", "csv");

  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "IN", description = "The table of prompts.")
  @SuppressWarnings("NullAway.Init")
  private String input;

  @Parameters(index = "1", paramLabel = "OUT", description = "The folder of answers.")
  @SuppressWarnings("NullAway.Init")
  private String output;

  @Option(
      names = "--prompt-column",
      required = true,
      paramLabel = "COLUMN",
      description = "The column of prompts.")
  @SuppressWarnings("NullAway.Init")
  private String promptColumn;

  @Option(
      names = "--key-column",
      paramLabel = "KEY",
      split = ",",
      hideParamSyntax = true,
      description = "Columns that tell rows from each other, for their seeds (default: all).")
  private List<String> keyColumns = List.of();

  @Option(
      names = "--prefix",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Of the new columns' names, such as answer_ (default: none).")
  private String prefix = "";

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      converter = ModelPath.class,
      description =
          "GGUF file, Hugging Face folder, or the name of a pulled model, where every executor can"
              + " read it (default: the embedded model).")
  private @Nullable Path model;

  @Option(names = "--send-model", description = "Send the model's file from here to the executors.")
  private boolean isSent;

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "The Spark cluster, such as spark://host:7077 (default: this machine).")
  private @Nullable String master;

  @Option(
      names = "--parts",
      paramLabel = "PARTS",
      defaultValue = "0",
      description = "Pieces of the job; 0 for as many as suit the input (default: 0).")
  private int parts;

  @Option(
      names = "--slots",
      paramLabel = "SLOTS",
      defaultValue = "8",
      description = "Answers that an executor computes at once (default: ${DEFAULT-VALUE}).")
  private int slots;

  @Option(
      names = "--input-format",
      paramLabel = "FORMAT",
      description = "parquet, jsonl or csv (default: by the name of IN).")
  private @Nullable String inputFormat;

  @Option(
      names = "--output-format",
      paramLabel = "FORM",
      description = "The same of OUT (default: that of IN).")
  private @Nullable String outputFormat;

  @Option(names = "--chat", description = "Prompts are what a user says, in the model's template.")
  private boolean isChat;

  @Option(names = "--system", paramLabel = "TEXT", description = "What the system says before.")
  private @Nullable String system;

  @Option(
      names = "--chat-template",
      paramLabel = "NAME",
      description = "Another template than the model's, such as chatml.")
  private @Nullable String template;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      converter = ModelOptions.DeviceConverter.class,
      defaultValue = "auto",
      description = "auto, cpu or cuda (default: auto: GPUs that Spark schedules, else CPUs).")
  private ComputeDevice device = ComputeDevice.AUTO;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads of an executor (default: one per core that it has).")
  private int threads;

  @Option(
      names = "--context",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most tokens of prompt and answer (default: the model's own, up to 4096).")
  private int context;

  @Option(names = "--json", description = "Print one JSON object instead of a sentence.")
  private boolean isJson;

  @Mixin private AnswerOptions answers = new AnswerOptions();
  @Mixin private NeuronOptions neurons = new NeuronOptions();

  BatchCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() {
    BatchJob job = job();
    BatchRunner runner =
        ServiceLoader.load(BatchRunner.class)
            .findFirst()
            .orElseThrow(
                () ->
                    new CoreInferException(
                        "batch runs on Spark, which is not part of this installation: start"
                            + " ./coreinfer in the sources, or use spark-submit with"
                            + " coreinfer-spark"));
    BatchJob.Outcome outcome;
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Shown shown = new Shown(interrupt.cancellation())) {
      outcome = runner.run(job, shown::progress);
    }
    streams.print(isJson ? Json.of(outcome) + "\n" : sentence(outcome));
    return 0;
  }

  private static String sentence(BatchJob.Outcome outcome) {
    return String.format(
        Locale.ROOT,
        "%s: %,d rows, %,d of them with errors; %d parts, %d of them done before%n",
        outcome.output(),
        outcome.rows(),
        outcome.errors(),
        outcome.parts(),
        outcome.partsBefore());
  }

  private BatchJob job() {
    requireAtLeast("--parts", parts, 0);
    requireAtLeast("--slots", slots, 1);
    requireAtLeast("--threads", threads, 0);
    requireAtLeast("--context", context, 0);
    if (answers.isJsonAsked()) {
      throw Usage.error(spec, "--json-mode: say with --json-schema what the answers look like");
    }
    if (!isChat && (system != null || template != null)) {
      throw Usage.error(spec, "--system and --chat-template: go with --chat");
    }
    if (isSent && model == null) {
      throw Usage.error(spec, "--send-model: name the model with --model");
    }
    if (model != null && (isSent || master == null)) {
      ModelPath.requireHere(model);
    }
    GenerationRequest request = answers.toRequest("").build();
    String from = inputFormat == null ? formatOf(input) : format("--input-format", inputFormat);
    return new BatchJob(
        input,
        output,
        from,
        outputFormat == null ? from : format("--output-format", outputFormat),
        promptColumn,
        keyColumns,
        prefix,
        parts,
        master,
        model,
        isSent,
        neurons.calibrationFile(),
        device,
        threads,
        context,
        slots,
        request,
        answers.schema(),
        isChat ? new BatchJob.Chat(system, template) : null,
        neurons.toWish());
  }

  private void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw Usage.error(spec, "%s=%d: expected %d or more".formatted(option, value, least));
    }
  }

  private String format(String option, String name) {
    if (!FORMATS.contains(name)) {
      throw Usage.error(spec, option + " " + name + ": expected " + String.join(", ", FORMATS));
    }
    return name;
  }

  private String formatOf(String name) {
    String lower = name.toLowerCase(Locale.ROOT).replaceFirst("\\.(gz|bz2|zst)$", "");
    if (lower.endsWith(".parquet")) {
      return "parquet";
    }
    if (lower.endsWith(".csv")) {
      return "csv";
    }
    if (lower.matches(".*\\.(jsonl|ndjson|json)")) {
      return "jsonl";
    }
    throw Usage.error(
        spec, name + ": say with --input-format whether it is " + String.join(", ", FORMATS));
  }

  /** A bar on a terminal; elsewhere a line for every tenth. */
  private final class Shown implements AutoCloseable {
    private static final int LINES = 10;

    private final Progress bar;
    private int told;

    Shown(Cancellation cancelled) {
      this.bar = new Progress(streams, cancelled, "Answering");
    }

    void progress(double fraction) {
      bar.update(fraction);
      int tenths = (int) (fraction * LINES);
      if (!streams.isErrorTerminal() && tenths > told) {
        told = tenths;
        streams.note("coreinfer: " + 100 / LINES * tenths + " % answered");
      }
    }

    @Override
    public void close() {
      bar.close();
    }
  }
}
