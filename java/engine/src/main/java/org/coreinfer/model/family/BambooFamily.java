package org.coreinfer.model.family;

import java.util.Set;
import org.coreinfer.backend.Activation;
import org.coreinfer.model.Family;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.WeightFile;

/**
 * Bamboo and TurboSparse (arXiv 2406.05955) as Hugging Face folders: Mistral with ReLU on both
 * branches of the FFN, which their config.json calls relu.
 */
final class BambooFamily implements Family {
  @Override
  public Set<String> architectures() {
    return Set.of("bamboo");
  }

  @Override
  public ModelConfig config(WeightFile file) {
    HuggingFaceFolder folder = (HuggingFaceFolder) file;
    int window = folder.config().integer("sliding_window", 0);
    return new HuggingFaceKeys(folder).config(window).withActivation(Activation.DRELU);
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
