package org.coreinfer.backend;

/**
 * FFN weights that do not fit into the device's memory: they lie in host memory, and pass through
 * two slots of device memory, one being computed with while the other is filled. Thread-safe: a
 * pass waits for the one before it to end.
 */
public interface FfnStream extends AutoCloseable {
  /**
   * Begins a pass.
   *
   * @param numbers of the stream's layers, in the order in which the pass will visit them
   */
  Pass open(Backend queue, int[] numbers);

  /** The weights of one pass; for one thread. */
  interface Pass extends AutoCloseable {
    /** The next layer's weights, valid for calls of the pass's queue until {@link #done}. */
    FfnWeights layer(int number);

    /** Says that all calls that read the layer were made. */
    void done(int number);

    /** Ends the pass, at any layer. */
    @Override
    void close();
  }

  @Override
  void close();
}
