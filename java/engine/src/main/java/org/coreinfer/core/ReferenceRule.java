package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/**
 * What the authors' published code does, for comparisons: every token counts the same number of its
 * largest signed activations, {@code alpha} times the mean number of positive ones per token of the
 * prompt, and neurons that no token counted are not chosen.
 */
public record ReferenceRule(double alpha) implements Rule {
  public ReferenceRule {
    Rules.checkAlpha(alpha);
  }

  @Override
  public String name() {
    return Rules.REFERENCE;
  }

  @Override
  public void score(
      Backend backend, NativeMemory activations, int tokens, int neurons, NativeMemory scores) {
    long positives = backend.countPositives(activations, (long) tokens * neurons);
    int limit = (int) (alpha * positives / tokens);
    if (limit > 0) {
      backend.scoreTopK(activations, tokens, neurons, limit, scores);
    }
  }

  @Override
  public boolean choosesOnlySeen() {
    return true;
  }

  @Override
  public boolean needsWholePrompt() {
    return true;
  }

  @Override
  public int count(double keep, int neurons) {
    return Math.max(1, (int) (keep * neurons));
  }
}
