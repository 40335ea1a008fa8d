package org.coreinfer.generation;

/** Always the same number of drafts, whether they pay or not. */
record FixedLength(int length) implements DraftLength {
  @Override
  public int choose(int most) {
    return Math.min(length, most);
  }

  @Override
  public void learn(int drafted, int accepted) {}
}
