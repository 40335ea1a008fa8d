package org.coreinfer.model;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;

/**
 * The tokens that prefill takes through the layers together: each layer is read once for all of
 * them.
 *
 * @param x (tokens, dim), the residual stream
 * @param ids (tokens), int32, as are the others
 * @param rows (tokens), of the learned positions
 * @param firsts (tokens), the position at which each chunk starts
 */
record Stretch(
    int tokens,
    NativeMemory x,
    NativeMemory ids,
    NativeMemory rows,
    NativeMemory firsts,
    Resources memory)
    implements AutoCloseable {
  /** The usual most. */
  static final int TOKENS = 4096;

  static long bytes(ModelConfig config, int tokens) {
    return (long) tokens * (config.dim() * (long) Float.BYTES + 3L * Integer.BYTES);
  }

  static Stretch allocate(Backend backend, ModelConfig config, int tokens) {
    Resources memory = new Resources();
    try {
      return new Stretch(
          tokens,
          memory.own(backend.allocateFloats("tokens", (long) tokens * config.dim())),
          memory.own(backend.allocateInts("token ids", tokens)),
          memory.own(backend.allocateInts("positions", tokens)),
          memory.own(backend.allocateInts("positions", tokens)),
          memory);
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
