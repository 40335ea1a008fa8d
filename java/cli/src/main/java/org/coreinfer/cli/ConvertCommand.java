package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Locale;
import org.coreinfer.backend.Host;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.model.family.GgufConversion;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.HuggingFaceFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a Hugging Face folder as a GGUF file. */
@Command(
    name = "convert",
    sortOptions = false,
    description = "Write a Hugging Face folder as one GGUF file.",
    footerHeading = "%nExample:%n",
    footer = {
      "  coreinfer convert my-model my-model.gguf --dtype q8_0",
      "",
      "The tokenizer goes in as tokenizer.json is, so it stays exact; llama.cpp can't read it.",
    })
final class ConvertCommand implements Runnable {
  private final Streams streams;
  private final Cancellation cancellation;

  @Parameters(index = "0", paramLabel = "FOLDER", description = "Hugging Face folder.")
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @Parameters(index = "1", paramLabel = "FILE", description = "The GGUF file to write.")
  @SuppressWarnings("NullAway.Init")
  private Path file;

  /** The dtypes that a file can have. */
  enum Stored {
    F32,
    F16,
    BF16,
    Q8_0,
    Q4_0;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Option(
      names = "--dtype",
      paramLabel = "T",
      defaultValue = "f16",
      description = "Of the matrices: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Stored dtype = Stored.F16;

  ConvertCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public void run() {
    try (HuggingFaceFolder source = HuggingFaceFolder.open(folder, Host::map);
        Progress writing = new Progress(streams, cancellation, "Writing")) {
      new GgufConversion(source, DType.valueOf(dtype.name()))
          .write(file, (written, total) -> writing.update((double) written / total));
    }
    streams.note("wrote " + file);
  }
}
