package org.coreinfer.model.family;

import java.util.Map;
import java.util.Set;
import org.coreinfer.backend.Activation;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.model.Family;
import org.coreinfer.model.Family.Positions.LearnedPositions;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.JsonConfig;
import org.coreinfer.weights.WeightFile;

/**
 * OPT: layer norms before attention and FFN, biases everywhere, an ungated ReLU FFN, and a learned
 * vector for each position, stored from row 2 on. OPT-350M alone puts its norms behind and projects
 * its embedding: it is refused.
 */
final class OptFamily implements Family {
  private static final int POSITION_OFFSET = 2;
  private static final Map<String, String> OUTER =
      Map.of(
          "token_embd.weight", "decoder.embed_tokens.weight",
          "position_embd.weight", "decoder.embed_positions.weight",
          "output_norm.weight", "decoder.final_layer_norm.weight",
          "output_norm.bias", "decoder.final_layer_norm.bias");
  private static final Map<String, String> INNER =
      Map.of(
          "attn_norm", "self_attn_layer_norm",
          "attn_q", "self_attn.q_proj",
          "attn_k", "self_attn.k_proj",
          "attn_v", "self_attn.v_proj",
          "attn_output", "self_attn.out_proj",
          "ffn_norm", "final_layer_norm",
          "ffn_up", "fc1",
          "ffn_down", "fc2");

  @Override
  public Set<String> architectures() {
    return Set.of("opt");
  }

  @Override
  public ModelConfig config(WeightFile file) {
    if (file instanceof GgufFile gguf) {
      return new GgufKeys(gguf).config(Activation.RELU, false);
    }
    JsonConfig config = ((HuggingFaceFolder) file).config();
    int dim = config.integer("hidden_size");
    if (!config.flag("do_layer_norm_before", true)
        || config.integer("word_embed_proj_dim", dim) != dim
        || config.flag("_remove_final_layer_norm", false)) {
      throw new ModelFormatException(
          "do_layer_norm_before, word_embed_proj_dim: only OPT models with norms before each part"
              + " and an embedding of the hidden size are supported (all but opt-350m)");
    }
    int heads = config.integer("num_attention_heads");
    if (heads < 1 || dim % heads != 0) {
      throw new ModelFormatException("num_attention_heads=" + heads + " for hidden_size=" + dim);
    }
    return new ModelConfig(
        "opt",
        config.integer("vocab_size"),
        config.integer("max_position_embeddings"),
        config.integer("num_hidden_layers"),
        dim,
        heads,
        heads,
        dim / heads,
        config.integer("ffn_dim"),
        HuggingFaceKeys.activation(config.string("activation_function", "relu")),
        false,
        0);
  }

  @Override
  public String tensorName(WeightFile file, String name) {
    if (file instanceof GgufFile) {
      return name;
    }
    if (name.equals("output.weight")) {
      return "lm_head.weight";
    }
    String inner = LlamaNames.translate(name, OUTER, "decoder.layers.", INNER);
    return file.find(inner).isPresent()
        ? inner
        : "model." + inner; // the first checkpoints lack "model."
  }

  @Override
  public Architecture architecture(WeightFile file, ModelConfig config) {
    float epsilon = file instanceof GgufFile gguf ? new GgufKeys(gguf).layerEpsilon() : 1e-5f;
    return new Architecture(NormKind.LAYER, epsilon, new LearnedPositions(POSITION_OFFSET));
  }
}
