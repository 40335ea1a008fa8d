package org.coreinfer.cli;

import java.nio.file.Path;
import org.coreinfer.backend.Host;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.model.family.GgufConversion;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Quantization;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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

  @Option(
      names = "--dtype",
      paramLabel = "T",
      defaultValue = "f16",
      description = "Of the matrices: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Quantization dtype = Quantization.F16;

  @Mixin private NewFile target = new NewFile();

  ConvertCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public void run() {
    target.requireFree(file);
    try (HuggingFaceFolder source = HuggingFaceFolder.open(folder, Host::map);
        Progress writing = new Progress(streams, cancellation, "Writing")) {
      new GgufConversion(source, dtype)
          .write(file, (written, total) -> writing.update((double) written / total));
    }
    streams.note("wrote " + file + ": " + NewFile.size(file));
  }
}
