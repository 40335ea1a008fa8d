package org.coreinfer.generation;

/** Decides how many tokens to draft. For one thread. */
interface DraftLength {
  /**
   * The number of tokens to draft in the next round, 0 to {@code most}.
   *
   * @param most may be 0
   */
  int choose(int most);

  /** Learns from a round, whose first {@code accepted} drafts were right. */
  void learn(int drafted, int accepted);
}
