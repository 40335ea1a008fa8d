package org.coreinfer.model.family;

import java.util.Set;
import org.coreinfer.model.Family;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.WeightFile;

/**
 * Mistral as a Hugging Face folder: Llama with an optional sliding window. Its GGUF files call
 * themselves llama.
 */
final class MistralFamily implements Family {
  @Override
  public Set<String> architectures() {
    return Set.of("mistral");
  }

  @Override
  public ModelConfig config(WeightFile file) {
    HuggingFaceFolder folder = (HuggingFaceFolder) file;
    return new HuggingFaceKeys(folder).config(folder.config().integer("sliding_window", 0));
  }

  @Override
  public String tensorName(WeightFile file, String name) {
    return LlamaNames.of(file, name);
  }

  @Override
  public Architecture architecture(WeightFile file, ModelConfig config) {
    HuggingFaceKeys keys = new HuggingFaceKeys((HuggingFaceFolder) file);
    return new Architecture(NormKind.RMS, keys.rmsEpsilon(), keys.rotary(config));
  }
}
