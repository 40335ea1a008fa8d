package org.coreinfer.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.coreinfer.backend.Host;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.GgufQuantization;
import org.coreinfer.weights.Quantization;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a GGUF file in another dtype. */
@Command(
    name = "quantize",
    sortOptions = false,
    description = "Write a GGUF file in a smaller dtype.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer quantize model-f16.gguf model-q4_k_m.gguf --dtype q4_k_m",
      "  coreinfer quantize model-f16.gguf model.gguf --dtype q8_0 --overwrite",
      "",
      "q4_k_m and q5_k_m are llama.cpp's mixes: Q6_K for the head and for half of the value and down",
      "projections. Norms and biases stay F32. A row that a dtype can't hold gets the next larger one",
      "that can. The CUDA backend computes f32, f16, bf16, q8_0 and q4_0 so far, the CPU all."
    })
final class QuantizeCommand implements Runnable {
  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "IN", description = "GGUF file.")
  @SuppressWarnings("NullAway.Init")
  private Path in;

  @Parameters(index = "1", paramLabel = "OUT", description = "The GGUF file to write.")
  @SuppressWarnings("NullAway.Init")
  private Path out;

  @Option(
      names = "--dtype",
      paramLabel = "T",
      required = true,
      description = "Of the matrices: ${COMPLETION-CANDIDATES}.")
  @SuppressWarnings("NullAway.Init")
  private Quantization dtype;

  @Mixin private NewFile target = new NewFile();

  QuantizeCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public void run() {
    if (Files.isDirectory(in)) {
      throw Usage.error(
          spec, in + " is a folder: coreinfer convert writes folders as GGUF, in any dtype");
    }
    try (GgufFile source = GgufFile.open(in, Host::map);
        Progress writing = new Progress(streams, cancellation, "Quantizing")) {
      requireFree();
      GgufQuantization quantization = new GgufQuantization(source, dtype);
      if (quantization.losesTwice()) {
        streams.note(
            "coreinfer: "
                + in
                + " is quantised already: quantising it again loses more than quantising the"
                + " original would");
      }
      quantization.write(out, (written, total) -> writing.update((double) written / total));
      writing.end();
      streams.note("wrote " + out + ": " + summary(quantization, source.bytes()));
    }
  }

  private void requireFree() {
    if (!Files.exists(out)) {
      return;
    }
    try {
      if (Files.isSameFile(in, out)) {
        throw Usage.error(spec, "IN and OUT are the same file: " + in);
      }
    } catch (IOException e) {
      throw new CoreInferException(out + ": cannot be looked at: " + e, e);
    }
    target.requireFree(out);
  }

  private String summary(GgufQuantization quantization, long before) {
    String tensors =
        quantization.counts().entrySet().stream()
            .map(count -> count.getValue() + " " + count.getKey())
            .collect(Collectors.joining(", "));
    return "%s of %s; tensors: %s".formatted(NewFile.size(out), MemoryPlan.size(before), tensors);
  }
}
