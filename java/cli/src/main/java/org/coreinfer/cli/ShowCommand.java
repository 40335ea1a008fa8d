package org.coreinfer.cli;

import org.coreinfer.Model;
import org.coreinfer.ModelSummary;
import org.coreinfer.core.CoreOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Describes a model without loading it. */
@Command(
    name = "show",
    sortOptions = false,
    description = "Describe a model: architecture, dtypes, sizes, memory. It is not loaded.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer show",
      "  coreinfer show model.gguf --keep 0.2 --layers 6..26",
      "  coreinfer show folder --context 8192 --json",
      "  coreinfer show llama-2-7b.gguf --gpu-memory 7.3G"
    })
final class ShowCommand implements Runnable {
  private final Streams streams;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(names = "--context", paramLabel = "N", description = ModelOptions.CONTEXT_HELP)
  private @Nullable Integer context;

  @Option(
      names = "--gpu-memory",
      paramLabel = "SIZE",
      converter = MemorySize.class,
      description = "Plan for a GPU with this much memory, such as 7.3G; none need be here.")
  private @Nullable Long gpuMemory;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean isJson;

  @Mixin private NeuronOptions neurons = new NeuronOptions();

  ShowCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public void run() {
    CoreOptions core = neurons.toCoreOptions(argument.path(), streams);
    Model.Builder builder = ModelOptions.builder(spec, argument.path(), context).plannedFor(core);
    if (gpuMemory != null) {
      builder.gpuMemory(gpuMemory);
    }
    ModelSummary model = Usage.suited(spec, builder::summarize, "--context");
    ShowReport report = neurons.suitedLayers(() -> ShowReport.of(model, core));
    streams.print(isJson ? Json.of(report) + "\n" : report.text());
  }
}
