package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/**
 * Sums squared activations over the prompt.
 *
 * <ul>
 *   <li>{@code norm}: each relative to its token's own norm, so that all tokens weigh alike
 *       (GRIFFIN, arXiv 2404.01365).
 *   <li>{@code impact}: times the squared norm of the neuron's down row, which is what dropping the
 *       neuron takes from the output (WINA, arXiv 2505.19427).
 *   <li>{@code relative}: both. A token with huge activations, as the first one of many models has,
 *       does not decide alone, and a neuron with a small down row does not take a place.
 * </ul>
 *
 * @param isRelative whether activations are taken relative to their token's norm
 * @param weighsDownRows whether down rows count
 */
record EnergyRule(String name, boolean isRelative, boolean weighsDownRows) implements Rule {
  @Override
  public void score(
      Backend backend, NativeMemory activations, int tokens, int neurons, NativeMemory scores) {
    backend.scoreEnergy(activations, tokens, neurons, isRelative, scores);
  }
}
