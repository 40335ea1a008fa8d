package org.coreinfer.backend;

/**
 * The sizes of an attention layer.
 *
 * @param heads query heads, a multiple of {@code kvHeads}
 * @param window how many positions a token sees, itself included; 0 for all
 * @param scale factor of the scores before softmax
 */
public record AttentionShape(int heads, int kvHeads, int headDim, int window, float scale) {
  public AttentionShape {
    if (heads < 1 || kvHeads < 1 || headDim < 1 || heads % kvHeads != 0 || window < 0) {
      throw new IllegalArgumentException(
          "heads=%d kv_heads=%d head_dim=%d window=%d".formatted(heads, kvHeads, headDim, window));
    }
  }

  /** The length of one token's queries. */
  public int queryDim() {
    return heads * headDim;
  }

  /** The length of one token's keys, and of its values. */
  public int kvDim() {
    return kvHeads * headDim;
  }
}
