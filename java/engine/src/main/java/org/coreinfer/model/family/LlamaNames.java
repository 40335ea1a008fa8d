package org.coreinfer.model.family;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.WeightFile;

/** What Hugging Face calls the tensors of Llama and its relatives. */
final class LlamaNames {
  private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d+)\\.(\\w+)\\.(weight|bias)");
  private static final Map<String, String> OUTER =
      Map.of(
          "token_embd.weight", "model.embed_tokens.weight",
          "output_norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight");
  private static final Map<String, String> INNER =
      Map.ofEntries(
          Map.entry("attn_norm", "input_layernorm"),
          Map.entry("attn_q", "self_attn.q_proj"),
          Map.entry("attn_k", "self_attn.k_proj"),
          Map.entry("attn_v", "self_attn.v_proj"),
          Map.entry("attn_output", "self_attn.o_proj"),
          Map.entry("attn_q_norm", "self_attn.q_norm"),
          Map.entry("attn_k_norm", "self_attn.k_norm"),
          Map.entry("ffn_norm", "post_attention_layernorm"),
          Map.entry("ffn_gate", "mlp.gate_proj"),
          Map.entry("ffn_up", "mlp.up_proj"),
          Map.entry("ffn_down", "mlp.down_proj"));

  private LlamaNames() {}

  static String of(WeightFile file, String name) {
    return file instanceof GgufFile ? name : translate(name, OUTER, "model.layers.", INNER);
  }

  /**
   * Translates GGUF's name with a map for what stands outside of the layers and one for what stands
   * inside.
   */
  static String translate(
      String name, Map<String, String> outer, String layers, Map<String, String> inner) {
    Matcher block = BLOCK.matcher(name);
    if (!block.matches()) {
      return outer.getOrDefault(name, name);
    }
    String part = inner.getOrDefault(block.group(2), block.group(2));
    return layers + block.group(1) + "." + part + "." + block.group(3);
  }
}
