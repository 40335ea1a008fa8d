package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/**
 * Sums squared activations over the prompt: relative to each token's own norm (GRIFFIN, arXiv
 * 2404.01365), or weighted by the norm of the neuron's down row, which is what dropping it takes
 * from the output (WINA, arXiv 2505.19427).
 *
 * @param impact whether down rows count rather than token norms
 */
public record EnergyRule(boolean impact) implements Rule {
  @Override
  public String name() {
    return impact ? Rules.IMPACT : Rules.NORM;
  }

  @Override
  public void score(
      Backend backend, NativeMemory activations, int tokens, int neurons, NativeMemory scores) {
    backend.scoreEnergy(activations, tokens, neurons, !impact, scores);
  }

  @Override
  public boolean weighsDownRows() {
    return impact;
  }
}
