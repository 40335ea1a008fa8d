package org.coreinfer.bench.compare;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import org.coreinfer.backend.Host;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.PowerInferModel;
import org.coreinfer.synthesis.SyntheticModel;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.Quantization;
import org.jspecify.annotations.Nullable;

/**
 * The files of one shape and dtype, and what decoding a token reads of them.
 *
 * @param model for all engines but PowerInfer
 * @param powerInferModel null if no engine wants it or it can't be made
 */
record ModelFiles(Path model, @Nullable Path powerInferModel) {
  private static final long SEED = 1;
  private static final Pattern FFN = Pattern.compile("blk\\.\\d+\\.ffn_(gate|up|down_t)\\.weight");
  private static final GgufWriter.Progress SILENT = (written, total) -> {};

  /**
   * Writes the files, or takes those that are there.
   *
   * @param active what PowerInfer's file says by itself; null for no such file
   */
  static ModelFiles make(
      Path folder, ModelShape shape, Quantization dtype, @Nullable Double active) {
    String name = "%s-%d-%s".formatted(shape.name(), shape.layers(), dtype);
    Path model = folder.resolve(name + ".gguf");
    if (!Files.exists(model)) {
      SyntheticModel.write(shape, dtype, SEED, model, SILENT);
    }
    if (active == null || !isForPowerInfer(shape, dtype)) {
      return new ModelFiles(model, null);
    }
    Path other = folder.resolve(name + ".powerinfer.gguf");
    if (!Files.exists(other)) {
      PowerInferModel.write(shape, dtype, SEED, active, other, SILENT);
    }
    return new ModelFiles(model, other);
  }

  private static boolean isForPowerInfer(ModelShape shape, Quantization dtype) {
    try {
      PowerInferModel.requireReadable(shape, dtype);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Bytes of weights that a dense token reads. */
  long bytesPerToken() {
    return sum(model, tensor -> 1);
  }

  /** Bytes of weights that a token reads with predictors and this fraction of the neurons. */
  long powerInferBytesPerToken(double active) {
    Path file = powerInferModel == null ? model : powerInferModel;
    return sum(file, tensor -> FFN.matcher(tensor.name()).matches() ? active : 1);
  }

  /** Matrices count with a share; of the embedding only a row is read, unless it is the head. */
  private static long sum(Path file, ToDoubleFunction<Tensor> share) {
    try (GgufFile gguf = GgufFile.open(file, Host::map)) {
      boolean isTied = gguf.find("output.weight").isEmpty();
      return Math.round(
          gguf.tensors().values().stream()
              .filter(tensor -> !tensor.isVector())
              .filter(tensor -> isTied || !tensor.name().equals("token_embd.weight"))
              .filter(tensor -> !tensor.name().equals("position_embd.weight"))
              .mapToDouble(tensor -> tensor.bytes() * share.applyAsDouble(tensor))
              .sum());
    }
  }
}
