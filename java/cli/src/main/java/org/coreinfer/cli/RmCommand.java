package org.coreinfer.cli;

import java.util.Locale;
import java.util.function.Supplier;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.hub.Hub;
import org.coreinfer.hub.HubException;
import org.coreinfer.hub.HubSettings;
import org.coreinfer.hub.ModelReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Deletes a model that was pulled. */
@Command(
    name = "rm",
    description = "Delete a model that was pulled.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer rm bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
      "  coreinfer rm bartowski/Llama-3.2-1B-Instruct-GGUF      all of the repository's files"
    })
final class RmCommand implements Runnable {
  private final Streams streams;
  private final Supplier<HubSettings> settings;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(paramLabel = "REPO[:QUANT]", description = "As coreinfer ls names it.")
  private String name = "";

  RmCommand(Streams streams, Supplier<HubSettings> settings) {
    this.streams = streams;
    this.settings = settings;
  }

  @Override
  public void run() {
    ModelReference reference = PullCommand.reference(spec, name);
    try {
      long bytes = new Hub(settings.get()).store().remove(reference);
      streams.note(String.format(Locale.ROOT, "%.2f GB are free again", bytes / 1e9));
    } catch (HubException e) {
      throw new CoreInferException(String.valueOf(e.getMessage()), e);
    }
  }
}
