package org.coreinfer.model;

import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;

/** Activations of up to {@code tokens} tokens at once; every matrix is (tokens, its width). */
record Scratch(
    int tokens,
    NativeMemory normed,
    NativeMemory query,
    NativeMemory key,
    NativeMemory value,
    NativeMemory attention,
    NativeMemory activations,
    Resources memory)
    implements AutoCloseable {

  private static int[] widths(ModelConfig config) {
    return new int[] {
      Math.max(config.dim(), config.queryDim()),
      config.queryDim(),
      config.kvDim(),
      config.kvDim(),
      config.queryDim(),
      config.neurons()
    };
  }

  static long bytes(ModelConfig config, int tokens) {
    return (long) tokens * Float.BYTES * Arrays.stream(widths(config)).sum();
  }

  static Scratch allocate(Backend backend, ModelConfig config, int tokens) {
    Resources memory = new Resources();
    int[] widths = widths(config);
    NativeMemory[] parts = new NativeMemory[widths.length];
    try {
      for (int i = 0; i < widths.length; i++) {
        parts[i] = memory.own(backend.allocateFloats("activations", (long) tokens * widths[i]));
      }
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    return new Scratch(tokens, parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], memory);
  }

  @Override
  public void close() {
    memory.close();
  }
}
