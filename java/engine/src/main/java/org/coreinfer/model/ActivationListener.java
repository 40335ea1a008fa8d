package org.coreinfer.model;

import org.coreinfer.backend.FfnWeights;
import org.coreinfer.tensor.NativeMemory;

/** Looks at FFN activations while a prompt is read, and may choose the neurons for what follows. */
public interface ActivationListener {
  /** Sees nothing, chooses nothing. */
  ActivationListener NONE = (layer, ffn, activations, tokens) -> {};

  /**
   * Called for each layer and chunk of the prompt, in order, before its neurons are computed.
   *
   * @param x (tokens, dim) what the FFN is given, valid during the call
   */
  default void enter(int layer, NativeMemory x, int tokens) {}

  /**
   * Called for each layer and chunk of the prompt, in order.
   *
   * @param ffn the layer's weights
   * @param activations (tokens, neurons), valid during the call
   */
  void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens);

  /** Whether one call per layer must see the whole prompt. */
  default boolean needsWholePrompt() {
    return false;
  }

  /**
   * Called once per layer, when it has seen the whole prompt: lists the neurons that decoding
   * computes. Layers whose weights pass through the device come at once, in order; all others when
   * every layer has seen the prompt.
   *
   * @param coreIds (neurons) receives ascending neuron numbers, int32
   * @param core receives how many they are, int32
   * @return the most that were listed; 0 if none were chosen, so that all are computed
   */
  default int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
    return 0;
  }
}
