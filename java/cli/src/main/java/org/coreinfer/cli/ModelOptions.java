package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.function.DoubleConsumer;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.cuda.Cuda;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Options of everything that computes: where, and how much memory for the text. */
final class ModelOptions {
  static final String CONTEXT_HELP =
      "Most tokens of prompt and answer; the model's own limit, up to 4096, when left out.";

  static final String GPU_MEMORY_HELP =
      "Most GPU memory to use, such as 7.3G; FFN layers that do not fit stay in host memory"
          + " (default: what is free).";

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      converter = DeviceConverter.class,
      defaultValue = "auto",
      description = "auto, cpu or cuda (default: auto, the best that this machine has).")
  private ComputeDevice device = ComputeDevice.AUTO;

  @Option(
      names = "--gpu-memory",
      paramLabel = "SIZE",
      converter = MemorySize.class,
      description = GPU_MEMORY_HELP)
  private @Nullable Long gpuMemory;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "CPU threads (default: one per processor).")
  private int threads;

  @Option(
      names = "--activation-bits",
      paramLabel = "N",
      defaultValue = "" + Host.USUAL_ACTIVATION_BITS,
      description =
          "Bits of an activation that the CPU keeps: 16, or 8, which is as exact as llama.cpp and"
              + " reads prompts faster (default: ${DEFAULT-VALUE}).")
  private int activationBits;

  @Option(names = "--context", paramLabel = "N", description = CONTEXT_HELP)
  private @Nullable Integer context;

  /** As the other one, with a bar that shows the progress. */
  Model load(@Nullable Path path, CoreOptions core, Streams streams, Cancellation cancellation) {
    try (Progress loading = new Progress(streams, cancellation, "Loading")) {
      return load(path, core, streams, loading::update);
    }
  }

  /**
   * Loads a model, or the embedded one; wrong options are usage errors.
   *
   * @param core what sessions will ask for
   */
  Model load(@Nullable Path path, CoreOptions core, Streams streams, DoubleConsumer progress) {
    if (gpuMemory != null && device == ComputeDevice.CPU) {
      throw Usage.error(command, "--gpu-memory: the model was sent to the CPU by --backend cpu");
    }
    Model.Builder builder =
        builder(command, path, context)
            .device(device)
            .plannedFor(core)
            .onGpuPlan(plan -> streams.note(plan.sentence()))
            .onCpuFallback(reason -> noteFallback(streams, reason))
            .onLoad(progress);
    if (gpuMemory != null) {
      builder.gpuMemory(gpuMemory);
    }
    Usage.checked(command, () -> builder.activationBits(activationBits), "--activation-bits");
    return Usage.suited(command, () -> builder.threads(threads).load(), "--threads", "--context");
  }

  /** How many threads compute on the CPU. */
  int threads() {
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  /** What the CPU keeps of an activation. */
  int activationBits() {
    return activationBits;
  }

  /** Who has no NVIDIA driver expects no GPU, and is not told of it. */
  private void noteFallback(Streams streams, String reason) {
    if (gpuMemory != null || Cuda.status().hasDriver()) {
      streams.note("coreinfer: computing on the CPU: " + reason);
    }
  }

  /** How to open a model, with the context that was asked for. */
  static Model.Builder builder(
      CommandSpec command, @Nullable Path path, @Nullable Integer context) {
    if (path != null) {
      ModelPath.requireHere(path);
    }
    Model.Builder builder = path == null ? Model.embedded() : Model.builder(path);
    return context == null
        ? builder
        : Usage.checked(command, () -> builder.contextLength(context), "--context");
  }

  static final class DeviceConverter implements ITypeConverter<ComputeDevice> {
    @Override
    public ComputeDevice convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "auto" -> ComputeDevice.AUTO;
        case "cpu" -> ComputeDevice.CPU;
        case "cuda" -> ComputeDevice.CUDA;
        default ->
            throw new TypeConversionException("expected auto, cpu or cuda, found '" + value + "'");
      };
    }
  }
}
