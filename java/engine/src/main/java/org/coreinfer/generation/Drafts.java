package org.coreinfer.generation;

/**
 * What became of drafted tokens.
 *
 * @param drafted tokens that core neurons drafted
 * @param accepted how many of them every neuron confirmed
 * @param passes through every neuron, each of which verified some drafts and gave one token more
 */
public record Drafts(int drafted, int accepted, int passes) {
  /** The share of drafts that were accepted; 0 where there were none. */
  public double acceptance() {
    return drafted == 0 ? 0 : (double) accepted / drafted;
  }

  /** Tokens that a pass gave on average; 0 where there was none. */
  public double tokensPerPass() {
    return passes == 0 ? 0 : (double) (accepted + passes) / passes;
  }
}
