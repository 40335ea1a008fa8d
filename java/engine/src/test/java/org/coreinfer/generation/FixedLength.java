package org.coreinfer.generation;

/** Drafts as many tokens as it was told, where there is room. */
record FixedLength(int length) implements DraftLength {
  @Override
  public int choose(int most) {
    return Math.min(length, most);
  }

  @Override
  public void learn(int drafted, int accepted) {}
}
