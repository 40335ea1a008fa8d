package org.coreinfer.text;

import org.jspecify.annotations.Nullable;

/**
 * What a name in {@code tokenizer.ggml.pre} stands for. A missing name and {@code default} count as
 * GPT-2: llama.cpp has a pattern of its own for them, which no model was trained with.
 *
 * @param ignoresMerges whether a piece that is a vocabulary entry is taken as it is
 * @param addsBos whether texts begin with the begin-of-sequence token, unless the file says
 *     otherwise
 */
record GgufSplit(PreTokenizer preTokenizer, boolean ignoresMerges, boolean addsBos) {
  /** The split of a name, or null. */
  static @Nullable GgufSplit of(String name) {
    return switch (name) {
      case "default", "gpt-2", "phi-2", "mpt", "olmo" ->
          new GgufSplit(PreTokenizer.of(SplitPattern.GPT_2), false, false);
      case "llama-bpe", "llama3", "llama-v3" ->
          new GgufSplit(PreTokenizer.of(SplitPattern.LLAMA_3), true, true);
      case "qwen2" -> new GgufSplit(PreTokenizer.of(SplitPattern.QWEN_2), false, false);
      case "smollm", "starcoder", "refact", "command-r" ->
          new GgufSplit(
              PreTokenizer.digits(true).then(PreTokenizer.of(SplitPattern.GPT_2)), false, false);
      default -> null;
    };
  }
}
