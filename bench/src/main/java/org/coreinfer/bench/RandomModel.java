package org.coreinfer.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.SyntheticModel;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.Quantization;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model of a shape with random weights. Its file is temporary, below {@code
 * java.io.tmpdir}; with the system property {@value #FOLDER} it is written there, stays, and is
 * found by the next run.
 */
final class RandomModel implements AutoCloseable {
  static final String FOLDER = "coreinfer.bench.models";

  private static final int CONTEXT = 8192;
  private static final long SEED = 1;
  private static final GgufWriter.Progress NO_BAR = (written, total) -> {};

  private final Model model;
  private final @Nullable Path temporary;

  private RandomModel(Model model, @Nullable Path temporary) {
    this.model = model;
    this.temporary = temporary;
  }

  /**
   * Writes and loads a model.
   *
   * @param context the most tokens
   * @param options what decoding will compute, for the plan of a GPU's memory
   */
  static RandomModel load(
      OnBackend parameters, ModelShape shape, DType dtype, int context, CoreOptions options) {
    ComputeDevice device = ComputeDevice.valueOf(parameters.backend.toUpperCase(Locale.ROOT));
    String name = "%s-%s-%d.gguf".formatted(shape.name(), dtype, shape.layers());
    String kept = System.getProperty(FOLDER);
    Path temporary = null;
    try {
      Path folder;
      if (kept == null) {
        temporary = Files.createTempDirectory("coreinfer-bench");
        folder = temporary;
      } else {
        folder = Files.createDirectories(Path.of(kept));
      }
      Path file = folder.resolve(name);
      if (!Files.exists(file)) {
        SyntheticModel.write(
            shape.withContext(CONTEXT), Quantization.valueOf(dtype.name()), SEED, file, NO_BAR);
      }
      Model model =
          Model.builder(file)
              .device(device)
              .threads(parameters.threads)
              .activationBits(parameters.activationBits)
              .contextLength(context)
              .plannedFor(options)
              .load();
      return new RandomModel(model, temporary);
    } catch (IOException e) {
      delete(temporary);
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      delete(temporary);
      throw e;
    }
  }

  private static void delete(@Nullable Path folder) {
    if (folder == null) {
      return;
    }
    try (var files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + " is left over", e);
    }
  }

  Model model() {
    return model;
  }

  @Override
  public void close() {
    model.close();
    delete(temporary);
  }
}
