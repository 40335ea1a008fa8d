package org.coreinfer.model;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;

/**
 * What one sequence needs beside the weights: keys and values of the tokens so far, and scratch
 * memory. For one thread at a time.
 */
public final class DecoderState implements AutoCloseable {
  private final Backend backend;
  private final ModelConfig config;
  private final int capacity;
  private final List<NativeMemory> owned = new ArrayList<>();
  private final List<KvLayer> cache = new ArrayList<>();
  private final NativeMemory logits;
  private final FloatBuffer logitsView;
  private Scratch scratch;
  private int position;

  /** Activations of up to {@code tokens} tokens at once; every matrix is (tokens, its width). */
  record Scratch(
      int tokens,
      NativeMemory ids,
      NativeMemory positions,
      NativeMemory x,
      NativeMemory normed,
      NativeMemory query,
      NativeMemory key,
      NativeMemory value,
      NativeMemory attention,
      NativeMemory activations) {

    void close() {
      for (NativeMemory memory :
          List.of(ids, positions, x, normed, query, key, value, attention, activations)) {
        memory.close();
      }
    }
  }

  /**
   * @param capacity the most tokens of the sequence
   * @param chunk the most tokens that prefill takes at once
   * @param cacheDtype F32 or F16
   */
  DecoderState(Backend backend, ModelConfig config, int capacity, int chunk, DType cacheDtype) {
    this.backend = backend;
    this.config = config;
    this.capacity = capacity;
    try {
      long bytes = cacheBytes(config, capacity, cacheDtype);
      for (int layer = 0; layer < config.layers(); layer++) {
        NativeMemory keys = own(backend.allocate("the key cache", bytes));
        NativeMemory values = own(backend.allocate("the value cache", bytes));
        cache.add(new KvLayer(keys, values, capacity, cacheDtype));
      }
      this.logits = own(backend.allocateFloats("logits", config.vocabulary()));
      this.logitsView = logits.floats();
      this.scratch = allocateScratch(Math.min(chunk, capacity));
    } catch (RuntimeException e) {
      owned.forEach(NativeMemory::close);
      throw e;
    }
  }

  private NativeMemory own(NativeMemory memory) {
    owned.add(memory);
    return memory;
  }

  /** The bytes of one layer's keys, and of its values. */
  static long cacheBytes(ModelConfig config, int capacity, DType cacheDtype) {
    return cacheDtype.bytes(Math.multiplyExact((long) capacity, config.kvDim()));
  }

  static long scratchBytes(ModelConfig config, int tokens) {
    return (long) tokens * Float.BYTES * Arrays.stream(scratchWidths(config)).sum();
  }

  private static int[] scratchWidths(ModelConfig config) {
    return new int[] {
      1, // token ids
      1, // positions
      config.dim(),
      Math.max(config.dim(), config.queryDim()),
      config.queryDim(),
      config.kvDim(),
      config.kvDim(),
      config.queryDim(),
      config.neurons()
    };
  }

  private Scratch allocateScratch(int tokens) {
    List<NativeMemory> parts = new ArrayList<>();
    try {
      for (int width : scratchWidths(config)) {
        parts.add(backend.allocateFloats("activations", (long) tokens * width));
      }
    } catch (RuntimeException e) {
      parts.forEach(NativeMemory::close);
      throw e;
    }
    return new Scratch(
        tokens,
        parts.get(0),
        parts.get(1),
        parts.get(2),
        parts.get(3),
        parts.get(4),
        parts.get(5),
        parts.get(6),
        parts.get(7),
        parts.get(8));
  }

  /** Scratch memory for at least {@code tokens} tokens at once. */
  Scratch scratch(int tokens) {
    if (scratch.tokens < tokens) {
      Scratch larger = allocateScratch(tokens);
      scratch.close();
      scratch = larger;
    }
    return scratch;
  }

  KvLayer cache(int layer) {
    return cache.get(layer);
  }

  NativeMemory logits() {
    return logits;
  }

  FloatBuffer logitsView() {
    return logitsView.rewind();
  }

  /** The most tokens of the sequence. */
  public int capacity() {
    return capacity;
  }

  /** Tokens that the cache holds. */
  public int position() {
    return position;
  }

  void advance(int tokens) {
    position += tokens;
  }

  /** Forgets everything after the first {@code tokens} tokens. */
  public void truncate(int tokens) {
    if (tokens < 0 || tokens > position) {
      throw new IllegalArgumentException(
          "tokens=" + tokens + ": the sequence has " + position + " tokens");
    }
    position = tokens;
  }

  @Override
  public void close() {
    scratch.close();
    owned.forEach(NativeMemory::close);
  }
}
