package org.coreinfer.model.family;

import java.util.Locale;
import org.coreinfer.backend.Activation;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.model.Family.Positions;
import org.coreinfer.model.Family.Positions.RotaryPositions;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.RopeScaling;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.Metadata;

/** The keys that GGUF files of all families share, each behind the architecture's name. */
final class GgufKeys {
  /** Our own key: GGUF has none for the FFN's activation. */
  static final String ACTIVATION = "coreinfer.activation";

  private final GgufFile file;
  private final Metadata metadata;
  private final String prefix;

  GgufKeys(GgufFile file) {
    this.file = file;
    this.metadata = file.metadata();
    this.prefix = file.architecture() + ".";
    if (metadata.integer(prefix + "expert_count", 0) > 0) {
      throw new ModelFormatException(
          file.name() + ": " + prefix + "expert_count: mixtures of experts are not supported");
    }
  }

  ModelConfig config(Activation usual, boolean isGated) {
    int dim = metadata.integer(prefix + "embedding_length");
    int heads = metadata.integer(prefix + "attention.head_count");
    if (heads < 1) {
      throw new ModelFormatException(prefix + "attention.head_count=" + heads);
    }
    return new ModelConfig(
        file.architecture(),
        file.tensor("token_embd.weight").rows(),
        metadata.integer(prefix + "context_length"),
        metadata.integer(prefix + "block_count"),
        dim,
        heads,
        metadata.integer(prefix + "attention.head_count_kv", heads),
        metadata.integer(prefix + "attention.key_length", dim / heads),
        metadata.integer(prefix + "feed_forward_length"),
        activation(usual),
        isGated,
        metadata.integer(prefix + "attention.sliding_window", 0));
  }

  private Activation activation(Activation usual) {
    if (file.find("blk.0.ffn_down_t.weight").isPresent()) {
      return Activation.RELU; // PowerInfer's files hold ReLU models only
    }
    String name = metadata.string(ACTIVATION, usual.name());
    try {
      return Activation.valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(
          ACTIVATION + ": \"" + name + "\" is not supported; relu, silu, drelu and gelu are", e);
    }
  }

  float rmsEpsilon() {
    return (float) metadata.number(prefix + "attention.layer_norm_rms_epsilon");
  }

  float layerEpsilon() {
    return (float) metadata.number(prefix + "attention.layer_norm_epsilon", 1e-5);
  }

  Positions rotary(ModelConfig config, boolean adjacent) {
    int turning = metadata.integer(prefix + "rope.dimension_count", config.headDim());
    if (turning < 2 || turning % 2 != 0 || turning > config.headDim()) {
      throw new ModelFormatException(prefix + "rope.dimension_count=" + turning);
    }
    double base = metadata.number(prefix + "rope.freq_base", 10000);
    return new RotaryPositions(scaling(config, turning / 2), base, turning / 2, adjacent);
  }

  private RopeScaling scaling(ModelConfig config, int pairs) {
    Tensor factors = file.find("rope_freqs.weight").orElse(null);
    if (factors != null) {
      if (factors.dtype() != DType.F32 || factors.elements() != pairs) {
        throw new ModelFormatException(
            "rope_freqs.weight: expected " + pairs + " F32 elements, found " + factors);
      }
      float[] values = new float[pairs];
      factors.memory().floats().get(values);
      return new RopeScaling.PerPair(values);
    }
    String type = metadata.string(prefix + "rope.scaling.type", "none");
    double factor =
        metadata.number(
            prefix + "rope.scaling.factor", metadata.number(prefix + "rope.scale_linear", 1));
    return switch (type) {
      case "none" -> factor == 1 ? new RopeScaling.None() : new RopeScaling.LinearScaling(factor);
      case "linear" -> new RopeScaling.LinearScaling(factor);
      case "yarn" -> {
        double attention = metadata.number(prefix + "rope.scaling.attn_factor", 1);
        yield new RopeScaling.Yarn(
            factor,
            attention * RopeScaling.Yarn.magnitudeOf(factor),
            metadata.number(prefix + "rope.scaling.yarn_beta_fast", 32),
            metadata.number(prefix + "rope.scaling.yarn_beta_slow", 1),
            metadata.number(
                prefix + "rope.scaling.original_context_length", config.contextLength()),
            true);
      }
      default ->
          throw new ModelFormatException(
              prefix + "rope.scaling.type: \"" + type + "\" is not supported; linear and yarn are");
    };
  }
}
