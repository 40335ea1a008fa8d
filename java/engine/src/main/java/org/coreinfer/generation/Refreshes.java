package org.coreinfer.generation;

/**
 * The decoded tokens for which every neuron was computed, to renew the core set.
 *
 * @param count how many there were
 * @param drift mean share of their squared activations outside of the set that was used until then,
 *     in 0..1; 0 if there was none
 * @param nanos what they took
 */
public record Refreshes(int count, double drift, long nanos) {
  static final Refreshes NONE = new Refreshes(0, 0, 0);

  Refreshes with(double measured, long took) {
    return new Refreshes(count + 1, (drift * count + measured) / (count + 1), nanos + took);
  }
}
