package org.coreinfer.generation;

import java.util.Set;
import java.util.TreeSet;
import org.coreinfer.text.Tokenizer;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Metadata;
import org.coreinfer.weights.WeightFile;

/** The tokens that end an answer: end of sequence and, in chat models, end of turn. */
public record EndTokens(Set<Integer> ids) {
  public EndTokens {
    ids = Set.copyOf(ids);
  }

  /** What the tokenizer and the model file name. */
  public static EndTokens of(WeightFile file, Tokenizer tokenizer) {
    Set<Integer> ids = new TreeSet<>();
    tokenizer.eosToken().ifPresent(ids::add);
    if (file instanceof GgufFile gguf) {
      Metadata metadata = gguf.metadata();
      for (String key :
          new String[] {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
        if (metadata.has(key)) {
          ids.add(metadata.integer(key));
        }
      }
    } else if (file instanceof HuggingFaceFolder folder) {
      ids.addAll(folder.endTokens());
    }
    return new EndTokens(ids);
  }

  boolean contains(int token) {
    return ids.contains(token);
  }
}
