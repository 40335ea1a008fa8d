package org.coreinfer.cli;

import java.util.Locale;
import java.util.function.Supplier;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.hub.Hub;
import org.coreinfer.hub.HubException;
import org.coreinfer.hub.HubSettings;
import org.coreinfer.hub.ModelReference;
import org.coreinfer.hub.ModelStore.StoredModel;
import org.coreinfer.hub.PullListener;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Downloads a model. */
@Command(
    name = "pull",
    sortOptions = false,
    description = "Download a model from Hugging Face.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer pull bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
      "  coreinfer run bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M -p \"Once upon a time\"",
      "  coreinfer pull Qwen/Qwen2.5-0.5B",
      "",
      "Of a repository's GGUF files that of the named quantization is taken, Q4_K_M when none is",
      "named; of others config.json, the tokenizer and the safetensors. What a broken download has",
      "brought is kept, and the same command goes on from there.",
      "HF_TOKEN is sent to Hugging Face alone; HF_HOME says where models lie, HF_ENDPOINT names a",
      "mirror. The path of the model goes to stdout."
    })
final class PullCommand implements Runnable {
  private final Streams streams;
  private final Cancellation cancellation;
  private final Supplier<HubSettings> settings;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(
      paramLabel = "REPO[:QUANT]",
      description = "owner/name, with the quantization or the name of a GGUF file.")
  private String name = "";

  @Option(
      names = "--revision",
      paramLabel = "NAME",
      defaultValue = "main",
      description = "Branch, tag or commit (default: ${DEFAULT-VALUE}).")
  private String revision = "main";

  @Option(names = "--json", description = "Print one JSON object: name, path and bytes.")
  private boolean isJson;

  private record Report(String name, String path, long bytes) {}

  /**
   * @param settings read when the command runs
   */
  PullCommand(Streams streams, Cancellation cancellation, Supplier<HubSettings> settings) {
    this.streams = streams;
    this.cancellation = cancellation;
    this.settings = settings;
  }

  @Override
  public void run() {
    ModelReference reference = reference(spec, name);
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Progress bar = new Progress(streams, interrupt.cancellation(), "Pulling")) {
      StoredModel model = new Hub(settings.get()).pull(reference, revision, listener(bar));
      bar.end();
      String path = model.path().toString();
      streams.println(isJson ? Json.of(new Report(model.name(), path, model.bytes())) : path);
    } catch (HubException e) {
      throw new CoreInferException(String.valueOf(e.getMessage()), e);
    }
  }

  /** What a name says; a wrong one is wrong usage. */
  static ModelReference reference(CommandSpec command, String name) {
    try {
      return ModelReference.parse(name);
    } catch (IllegalArgumentException e) {
      throw Usage.error(command, String.valueOf(e.getMessage()));
    }
  }

  private PullListener listener(Progress bar) {
    return new PullListener() {
      private long all = 1;

      @Override
      public void begins(int files, long bytes) {
        all = Math.max(1, bytes);
        streams.note(
            files == 0
                ? "everything is here"
                : String.format(
                    Locale.ROOT,
                    "%d %s, %.2f GB",
                    files,
                    files == 1 ? "file" : "files",
                    bytes / 1e9));
      }

      @Override
      public void progress(long bytes) {
        bar.update(Math.min(1, (double) bytes / all));
      }

      @Override
      public void note(String sentence) {
        streams.note(sentence);
      }
    };
  }
}
