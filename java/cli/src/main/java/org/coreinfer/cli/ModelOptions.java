package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.function.DoubleConsumer;
import org.coreinfer.Model;
import org.coreinfer.error.BackendUnavailableException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Options of everything that computes: where, and how much memory for the text. */
final class ModelOptions {
  /** Devices by the names that {@code --backend} takes. */
  enum BackendName {
    AUTO,
    CPU,
    CUDA
  }

  static final String CONTEXT_HELP =
      "Most tokens of prompt and answer; the model's own limit, up to 4096, when left out.";

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      converter = BackendConverter.class,
      defaultValue = "auto",
      description = "auto, cpu or cuda (default: auto, the best that this machine has).")
  private BackendName backend = BackendName.AUTO;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "CPU threads (default: one per processor).")
  private int threads;

  @Option(names = "--context", paramLabel = "N", description = CONTEXT_HELP)
  private @Nullable Integer context;

  /** Loads a model, or the embedded one; wrong options are usage errors. */
  Model load(@Nullable Path path, DoubleConsumer progress) {
    if (backend == BackendName.CUDA) {
      throw new BackendUnavailableException(
          "the CUDA backend is not part of this build; leave --backend out, or say --backend cpu");
    }
    Model.Builder builder = builder(command, path, context).onLoad(progress);
    return Usage.suited(command, () -> builder.threads(threads).load(), "--threads", "--context");
  }

  /** How to open a model, with the context that was asked for. */
  static Model.Builder builder(
      CommandSpec command, @Nullable Path path, @Nullable Integer context) {
    Model.Builder builder = path == null ? Model.embedded() : Model.builder(path);
    return context == null
        ? builder
        : Usage.checked(command, () -> builder.contextLength(context), "--context");
  }

  private static final class BackendConverter implements ITypeConverter<BackendName> {
    @Override
    public BackendName convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "auto" -> BackendName.AUTO;
        case "cpu" -> BackendName.CPU;
        case "cuda" -> BackendName.CUDA;
        default ->
            throw new TypeConversionException("expected auto, cpu or cuda, found '" + value + "'");
      };
    }
  }
}
