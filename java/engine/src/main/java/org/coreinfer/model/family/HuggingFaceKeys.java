package org.coreinfer.model.family;

import java.util.Map;
import java.util.Optional;
import org.coreinfer.backend.Activation;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.model.Family.Positions;
import org.coreinfer.model.Family.Positions.RotaryPositions;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.RopeScaling;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.JsonConfig;

/** The keys of config.json that Llama and its relatives share. */
final class HuggingFaceKeys {
  private static final Map<String, Activation> ACTIVATIONS =
      Map.of(
          "silu", Activation.SILU,
          "swish", Activation.SILU,
          "relu", Activation.RELU,
          "drelu", Activation.DRELU,
          "gelu_pytorch_tanh", Activation.GELU,
          "gelu_new", Activation.GELU);

  private final JsonConfig config;

  HuggingFaceKeys(HuggingFaceFolder folder) {
    this.config = folder.config();
    if (config.has("quantization_config")) {
      throw new ModelFormatException(
          "quantization_config: quantised checkpoints are not supported; use the original, or"
              + " GGUF");
    }
    if (config.number("partial_rotary_factor", 1) != 1) {
      throw new ModelFormatException("partial_rotary_factor: only 1 is supported");
    }
  }

  /** The activation called {@code name} in config.json. */
  static Activation activation(String name) {
    Activation activation = ACTIVATIONS.get(name);
    if (activation == null) {
      throw new ModelFormatException(
          "the activation \"" + name + "\" is not supported; " + ACTIVATIONS.keySet() + " are");
    }
    return activation;
  }

  ModelConfig config(int window) {
    int dim = config.integer("hidden_size");
    int heads = config.integer("num_attention_heads");
    if (heads < 1) {
      throw new ModelFormatException("num_attention_heads=" + heads + ": expected 1 or more");
    }
    return new ModelConfig(
        config.string("model_type"),
        config.integer("vocab_size"),
        config.integer("max_position_embeddings", 2048),
        config.integer("num_hidden_layers"),
        dim,
        heads,
        config.integer("num_key_value_heads", heads),
        config.integer("head_dim", dim / heads),
        config.integer("intermediate_size"),
        activation(config.string("hidden_act", "silu")),
        true,
        window);
  }

  float rmsEpsilon() {
    return (float) config.number("rms_norm_eps", 1e-6);
  }

  /** Rotary positions; older files have rope_theta and rope_scaling, newer ones rope_parameters. */
  Positions rotary(ModelConfig model) {
    if (model.headDim() % 2 != 0) {
      throw new ModelFormatException("head_dim=" + model.headDim() + ": expected an even number");
    }
    Optional<JsonConfig> parameters = config.object("rope_parameters");
    Optional<JsonConfig> scaling =
        parameters.isPresent() ? parameters : config.object("rope_scaling");
    double base = config.number("rope_theta", 10000);
    if (parameters.isPresent()) {
      base = parameters.get().number("rope_theta", base);
    }
    RopeScaling kind = scaling.isPresent() ? scaling(scaling.get(), model) : new RopeScaling.None();
    return new RotaryPositions(kind, base, model.headDim() / 2, false);
  }

  private static RopeScaling scaling(JsonConfig rope, ModelConfig model) {
    String type = rope.string("rope_type", rope.string("type", "default"));
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.LinearScaling(positive(rope, "factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              positive(rope, "factor"),
              positive(rope, "low_freq_factor"),
              positive(rope, "high_freq_factor"),
              positive(rope, "original_max_position_embeddings"));
      case "yarn" -> yarn(rope, model);
      default ->
          throw new ModelFormatException(
              "rope_type: \"" + type + "\" is not supported; linear, llama3 and yarn are");
    };
  }

  private static RopeScaling yarn(JsonConfig rope, ModelConfig model) {
    if (rope.has("mscale") || rope.has("mscale_all_dim")) {
      throw new ModelFormatException("rope_scaling.mscale is not supported");
    }
    double factor = positive(rope, "factor");
    return new RopeScaling.Yarn(
        factor,
        rope.number("attention_factor", RopeScaling.Yarn.magnitudeOf(factor)),
        rope.number("beta_fast", 32),
        rope.number("beta_slow", 1),
        rope.number("original_max_position_embeddings", model.contextLength()),
        rope.flag("truncate", true));
  }

  private static double positive(JsonConfig rope, String key) {
    double value = rope.number(key);
    if (!(value > 0)) {
      throw new ModelFormatException("rope_scaling." + key + "=" + value + ": expected above 0");
    }
    return value;
  }
}
