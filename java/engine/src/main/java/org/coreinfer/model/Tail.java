package org.coreinfer.model;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/**
 * What decoding adds to each layer's output in place of the neurons that a set leaves out. For one
 * sequence and one thread at a time.
 */
public interface Tail {
  /**
   * Adds a layer's part, always by the same calls with the same memory, so that they can be
   * recorded.
   *
   * @param x (dim) what the FFN is given
   * @param y (dim)
   */
  void add(Backend on, int layer, NativeMemory x, NativeMemory y);

  /** The bytes that {@link #add} reads of a layer. */
  long bytes(int layer);
}
