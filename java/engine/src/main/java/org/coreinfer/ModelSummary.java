package org.coreinfer;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.GpuPlan;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.ModelSizes;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.text.Tokenizer;
import org.coreinfer.text.Tokenizers;
import org.coreinfer.weights.WeightFile;
import org.jspecify.annotations.Nullable;

/**
 * A model file as it can be described without loading it.
 *
 * @param name the file's or folder's name
 * @param fileBytes size of the weights on disk
 * @param storage what is stored, by dtype
 * @param unsupported tensors that this library can't compute with, and why
 * @param cacheDtype of a session's keys and values
 * @param gpuPlan for the GPU memory that was named; null if none was
 * @param ffnBytes per layer, the bytes of all FFN neurons
 * @param otherBytes what decoding one token reads beside the FFN: attention and the head
 */
public record ModelSummary(
    String name,
    ModelConfig config,
    long fileBytes,
    List<Storage> storage,
    Map<String, String> unsupported,
    Tokenizer tokenizer,
    DType cacheDtype,
    MemoryPlan memoryPlan,
    @Nullable GpuPlan gpuPlan,
    List<Long> ffnBytes,
    long otherBytes) {
  /** The tensors of one dtype. */
  public record Storage(DType dtype, int tensors, long bytes) {}

  static ModelSummary of(
      WeightFile file,
      ModelLoader loader,
      DType cacheDtype,
      MemoryPlan memoryPlan,
      @Nullable GpuPlan gpuPlan) {
    ModelSizes sizes = loader.sizes();
    return new ModelSummary(
        file.name(),
        loader.config(),
        file.bytes(),
        storage(file),
        file.unsupported(),
        Tokenizers.of(file),
        cacheDtype,
        memoryPlan,
        gpuPlan,
        sizes.ffn().stream().map(ModelSizes.FfnSizes::bytes).toList(),
        sizes.tokenBytes());
  }

  private static List<Storage> storage(WeightFile file) {
    Map<DType, Storage> sums = new EnumMap<>(DType.class);
    for (Tensor tensor : file.tensors().values()) {
      sums.merge(
          tensor.dtype(),
          new Storage(tensor.dtype(), 1, tensor.bytes()),
          (a, b) -> new Storage(a.dtype(), a.tensors() + b.tensors(), a.bytes() + b.bytes()));
    }
    return List.copyOf(sums.values());
  }

  /** The bytes of weights that decoding one token reads with these options. */
  public long bytesPerToken(CoreOptions options) {
    int neurons = config.neurons();
    long bytes = otherBytes;
    for (int layer = 0; layer < ffnBytes.size(); layer++) {
      bytes += ffnBytes.get(layer) / neurons * options.mostChosen(layer, config);
    }
    return bytes;
  }
}
