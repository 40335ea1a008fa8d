package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/**
 * Counts the tokens in which a neuron is among the strongest share {@code alpha}: of the positive
 * activations, as published (arXiv 2410.18311, Eq. 1 to 3), or of all activations by magnitude,
 * which on gated families also sees a strong negative product. Of equal counts the lower number is
 * chosen.
 *
 * @param magnitude whether |a| counts rather than positive a
 */
public record TopShareRule(double alpha, boolean magnitude) implements Rule {
  public TopShareRule {
    Rules.checkAlpha(alpha);
  }

  @Override
  public String name() {
    return magnitude ? Rules.MAGNITUDE : Rules.PAPER;
  }

  @Override
  public void score(
      Backend backend, NativeMemory activations, int tokens, int neurons, NativeMemory scores) {
    backend.scoreTopShare(activations, tokens, neurons, magnitude, alpha, scores);
  }
}
