package org.coreinfer.model.family;

import java.util.Set;
import org.coreinfer.backend.Activation;
import org.coreinfer.model.Family;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.WeightFile;

/**
 * Llama 2 and 3, and what is stored like them: RMS norms, rotary positions, gated FFN. The
 * activation is the file's: SiLU, ReLU (ReluLLaMA, PowerInfer's files), or ReLU on both branches
 * (TurboSparse, Bamboo). GGUF permutes query and key rows so that neighbours rotate together;
 * Hugging Face rotates halves.
 */
final class LlamaFamily implements Family {
  @Override
  public Set<String> architectures() {
    return Set.of("llama");
  }

  @Override
  public ModelConfig config(WeightFile file) {
    return file instanceof GgufFile gguf
        ? new GgufKeys(gguf).config(Activation.SILU, true)
        : new HuggingFaceKeys((HuggingFaceFolder) file).config(0);
  }

  @Override
  public String tensorName(WeightFile file, String name) {
    return LlamaNames.of(file, name);
  }

  @Override
  public Architecture architecture(WeightFile file, ModelConfig config) {
    if (file instanceof GgufFile gguf) {
      GgufKeys keys = new GgufKeys(gguf);
      return new Architecture(NormKind.RMS, keys.rmsEpsilon(), keys.rotary(config, true));
    }
    HuggingFaceKeys keys = new HuggingFaceKeys((HuggingFaceFolder) file);
    return new Architecture(NormKind.RMS, keys.rmsEpsilon(), keys.rotary(config));
  }
}
