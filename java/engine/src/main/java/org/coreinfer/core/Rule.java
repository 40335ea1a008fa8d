package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/**
 * How a prompt's activations become one score per neuron. Immutable; all counts are in the scores
 * it is given.
 */
public interface Rule {
  /** As {@code --rule} names it. */
  String name();

  /**
   * Adds what a chunk of the prompt says.
   *
   * @param activations (tokens, neurons)
   * @param scores (neurons), zero before the first chunk
   */
  void score(
      Backend backend, NativeMemory activations, int tokens, int neurons, NativeMemory scores);

  /** Whether only neurons with a score above 0 may be chosen, however few they are. */
  default boolean choosesOnlySeen() {
    return false;
  }

  /** Whether a chunk must be the whole prompt. */
  default boolean needsWholePrompt() {
    return false;
  }

  /** How many of {@code neurons} a keep fraction means. */
  default int count(double keep, int neurons) {
    return (int) Math.max(1, Math.min(neurons, Math.round(keep * neurons)));
  }

  /** Whether a score counts times the squared norm of the neuron's down row. */
  default boolean weighsDownRows() {
    return false;
  }
}
