package org.coreinfer.model;

import org.coreinfer.backend.FfnWeights;
import org.coreinfer.tensor.NativeMemory;

/** Looks at FFN activations while a prompt is read. */
public interface ActivationListener {
  /**
   * Called once per layer and chunk, in order.
   *
   * @param ffn the layer's weights
   * @param activations (tokens, neurons), valid during the call
   */
  void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens);

  /** Whether one call per layer must see the whole prompt. */
  default boolean needsWholePrompt() {
    return false;
  }

  /** Sees nothing. */
  ActivationListener NONE = (layer, ffn, activations, tokens) -> {};
}
