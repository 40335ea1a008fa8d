package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Locale;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.PowerInferModel;
import org.coreinfer.synthesis.SyntheticModel;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.Quantization;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes a model with random weights. */
@Command(
    name = "synth",
    sortOptions = false,
    description = "Write a model of a real shape with random weights, for benchmarks.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer synth --shape llama-2-7b --dtype q4_0 --out llama-2-7b-q4_0.gguf",
      "  coreinfer synth --shape llama-3.1-8b --layers 4 --dtype q4_k_m --out four-layers.gguf",
      "  coreinfer synth --shape custom --dim 512 --layers 8 --neurons 1408 --heads 8 --out m.gguf",
      "  coreinfer synth --shape llama-2-7b --dtype q4_0 --out m.gguf --powerinfer 0.2",
      "",
      "The text that such a model writes is noise, its speed that of a real one. llama.cpp loads Llama",
      "shapes, too. --powerinfer writes a second file, m.powerinfer.gguf beside m.gguf, for PowerInfer:",
      "a ReLU Llama with predictors that let this fraction of neurons through."
    })
final class SynthCommand implements Runnable {
  private static final String CUSTOM = "custom";
  private static final String GGUF = ".gguf";

  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Option(
      names = "--shape",
      paramLabel = "NAME",
      required = true,
      description =
          "llama-2-7b, llama-3.1-8b, tinyllama-1.1b, opt-1.3b, opt-6.7b, tiny, or custom, a Llama"
              + " that needs --dim, --layers, --neurons and --heads.")
  @SuppressWarnings("NullAway.Init")
  private String shape;

  @Option(
      names = "--dtype",
      paramLabel = "T",
      defaultValue = "q4_0",
      description = "Of the matrices: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Quantization dtype = Quantization.Q4_0;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      required = true,
      description = "The GGUF file to write.")
  @SuppressWarnings("NullAway.Init")
  private Path out;

  @Mixin private NewFile target = new NewFile();

  @Option(
      names = "--powerinfer",
      paramLabel = "ACTIVE",
      description = "Write PowerInfer's variant, too, with this fraction of active neurons.")
  private @Nullable Double active;

  @Option(names = "--dim", paramLabel = "N", description = "Elements of a token's vector.")
  private @Nullable Integer dim;

  @Option(names = "--layers", paramLabel = "N", description = "Layers, of any shape.")
  private @Nullable Integer layers;

  @Option(names = "--neurons", paramLabel = "N", description = "Neurons of a layer's FFN.")
  private @Nullable Integer neurons;

  @Option(names = "--heads", paramLabel = "N", description = "Heads of attention.")
  private @Nullable Integer heads;

  @Option(
      names = "--kv-heads",
      paramLabel = "N",
      description = "Heads of keys and values (default of a custom shape: as many).")
  private @Nullable Integer kvHeads;

  @Option(
      names = "--vocab",
      paramLabel = "N",
      description = "Tokens of the vocabulary (default of a custom shape: 32000).")
  private @Nullable Integer vocabulary;

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "Most tokens of a text (default of a custom shape: 4096).")
  private @Nullable Integer context;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of the random weights: one seed, one file (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  SynthCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public void run() {
    ModelShape sizes = sizes();
    target.requireFree(out);
    Double fraction = active;
    if (fraction == null) {
      write(out, progress -> SyntheticModel.write(sizes, dtype, seed, out, progress));
      return;
    }
    Path second = powerInferFile(out);
    Usage.checked(
        spec,
        () -> {
          PowerInferModel.requireReadable(sizes, dtype);
          return PowerInferModel.threshold(fraction);
        },
        "--powerinfer");
    target.requireFree(second);
    write(out, progress -> SyntheticModel.write(sizes, dtype, seed, out, progress));
    write(
        second, progress -> PowerInferModel.write(sizes, dtype, seed, fraction, second, progress));
  }

  /** Writes a file under the eyes of the user. */
  private interface Writing {
    void write(GgufWriter.Progress progress);
  }

  private void write(Path file, Writing writing) {
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Progress bar = new Progress(streams, interrupt.cancellation(), "Writing")) {
      writing.write((written, total) -> bar.update((double) written / total));
    }
    streams.note("wrote " + file + ": " + NewFile.size(file));
  }

  private ModelShape sizes() {
    boolean isCustom = shape.toLowerCase(Locale.ROOT).equals(CUSTOM);
    if (isCustom && (dim == null || layers == null || neurons == null || heads == null)) {
      throw Usage.error(spec, "--shape=custom needs --dim, --layers, --neurons and --heads");
    }
    ModelShape known =
        isCustom
            ? new ModelShape(CUSTOM, ModelShape.Kind.LLAMA_2, 32000, 1, 2, 1, 1, 1, 4096)
            : Usage.checked(spec, () -> ModelShape.of(shape), "--shape");
    int queries = or(heads, known.heads());
    int others = isCustom ? queries : known.kvHeads();
    try {
      return new ModelShape(
          known.name(),
          known.kind(),
          or(vocabulary, known.vocabulary()),
          or(layers, known.layers()),
          or(dim, known.dim()),
          or(neurons, known.neurons()),
          queries,
          or(kvHeads, others),
          or(context, known.context()));
    } catch (IllegalArgumentException e) {
      throw Usage.error(spec, "--" + e.getMessage());
    }
  }

  private static int or(@Nullable Integer given, int usual) {
    return given == null ? usual : given;
  }

  /** {@code m.powerinfer.gguf} for {@code m.gguf}. */
  static Path powerInferFile(Path file) {
    String name = String.valueOf(file.getFileName());
    String stem = name.endsWith(GGUF) ? name.substring(0, name.length() - GGUF.length()) : name;
    return file.resolveSibling(stem + ".powerinfer" + GGUF);
  }
}
