package org.coreinfer.model;

import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;

/**
 * Room for a step over up to {@link Backend#DECODE_TOKENS} sequences, beside their states. For one
 * thread at a time.
 */
final class BatchScratch implements AutoCloseable {
  private static final int MOST = Backend.DECODE_TOKENS;

  private final Resources memory = new Resources();
  private final Stretch stretch;
  private final Scratch all;
  private final Scratch[] own;
  private final NativeMemory[] ownX;
  private final NativeMemory logits; // (sequences, vocabulary)
  private final NativeMemory[] ownLogits;
  private final NeuronUnion union;

  BatchScratch(Backend backend, ModelConfig config, FfnLayers ffn) {
    try {
      this.stretch = Stretch.allocate(backend, config, MOST);
      memory.onClose(stretch::close);
      this.all = Scratch.allocate(backend, config, MOST);
      memory.onClose(all::close);
      long count = Math.multiplyExact((long) MOST, config.vocabulary());
      this.logits = memory.own(backend.allocateFloats("logits", count));
      this.union = new NeuronUnion(backend, config, ffn);
      memory.onClose(union::close);
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    this.own = new Scratch[MOST];
    Arrays.setAll(own, i -> ownScratch(config, i));
    this.ownX = rows(stretch.x(), config.dim());
    this.ownLogits = rows(logits, config.vocabulary());
  }

  private Scratch ownScratch(ModelConfig config, int i) {
    return new Scratch(
        1,
        row(all.normed(), config.dim(), i),
        row(all.query(), config.queryDim(), i),
        row(all.key(), config.kvDim(), i),
        row(all.value(), config.kvDim(), i),
        row(all.attention(), config.queryDim(), i),
        row(all.activations(), config.neurons(), i),
        new Resources());
  }

  private static NativeMemory[] rows(NativeMemory memory, int width) {
    NativeMemory[] rows = new NativeMemory[MOST];
    Arrays.setAll(rows, i -> row(memory, width, i));
    return rows;
  }

  private static NativeMemory row(NativeMemory memory, int width, int i) {
    long bytes = (long) width * Float.BYTES;
    return memory.slice(i * bytes, bytes);
  }

  /** The tokens: x (sequences, dim), and where their ids and positions are read. */
  Stretch stretch() {
    return stretch;
  }

  /** The activations of all sequences. */
  Scratch all() {
    return all;
  }

  /** Sequence i's row of all activations. */
  Scratch own(int i) {
    return own[i];
  }

  /** (dim) of {@link #stretch}'s x. */
  NativeMemory ownX(int i) {
    return ownX[i];
  }

  NativeMemory logits() {
    return logits;
  }

  NativeMemory ownLogits(int i) {
    return ownLogits[i];
  }

  NeuronUnion union() {
    return union;
  }

  @Override
  public void close() {
    memory.close();
  }
}
