package org.coreinfer.model.family;

import java.util.Set;
import org.coreinfer.backend.Activation;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.model.Family;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.WeightFile;

/**
 * Qwen 2, 2.5 and 3: Llama with biases on query, key and value (2) or norms on every query and key
 * head (3). Halves of a head rotate together in both containers.
 */
final class QwenFamily implements Family {
  @Override
  public Set<String> architectures() {
    return Set.of("qwen2", "qwen3");
  }

  @Override
  public ModelConfig config(WeightFile file) {
    if (file instanceof GgufFile gguf) {
      return new GgufKeys(gguf).config(Activation.SILU, true);
    }
    HuggingFaceFolder folder = (HuggingFaceFolder) file;
    if (folder.config().flag("use_sliding_window", false)) {
      throw new ModelFormatException("use_sliding_window: true is not supported");
    }
    return new HuggingFaceKeys(folder).config(0);
  }

  @Override
  public String tensorName(WeightFile file, String name) {
    return LlamaNames.of(file, name);
  }

  @Override
  public Architecture architecture(WeightFile file, ModelConfig config) {
    if (file instanceof GgufFile gguf) {
      GgufKeys keys = new GgufKeys(gguf);
      return new Architecture(NormKind.RMS, keys.rmsEpsilon(), keys.rotary(config, false));
    }
    HuggingFaceKeys keys = new HuggingFaceKeys((HuggingFaceFolder) file);
    return new Architecture(NormKind.RMS, keys.rmsEpsilon(), keys.rotary(config));
  }
}
