package org.coreinfer.sampling;

import java.nio.FloatBuffer;

/** Allows every token. */
final class Unconstrained implements TokenConstraint {
  static final TokenConstraint INSTANCE = new Unconstrained();

  private Unconstrained() {}

  @Override
  public void mask(FloatBuffer logits) {}

  @Override
  public void accept(int token) {}

  @Override
  public boolean isComplete() {
    return false;
  }

  @Override
  public void mark() {}

  @Override
  public void rewind() {}
}
