package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/** One number per neuron, (layers, neurons), where kernels reach it; at first all are 0. */
final class ScoreTable implements AutoCloseable {
  private final Backend queue;
  private final int neurons;
  private final NativeMemory all;
  private final NativeMemory[] layers;

  /**
   * @param use what it holds, for messages
   */
  ScoreTable(Backend queue, String use, int layers, int neurons) {
    this.queue = queue;
    this.neurons = neurons;
    this.all = queue.allocateFloats(use, Math.multiplyExact((long) layers, neurons));
    this.layers = new NativeMemory[layers];
    long bytes = (long) neurons * Float.BYTES;
    for (int layer = 0; layer < layers; layer++) {
      this.layers[layer] = all.slice(layer * bytes, bytes);
    }
  }

  /** The scores of a layer (neurons). */
  NativeMemory layer(int layer) {
    return layers[layer];
  }

  /** Multiplies everything by a factor that is not negative. */
  void scale(double factor) {
    queue.scoreScale(factor, count(), all);
  }

  /** Takes the numbers of a table of the same shape. */
  void copy(ScoreTable other) {
    scale(0);
    queue.add(other.all, count(), all);
  }

  float[] download() {
    return queue.downloadFloats(all, Math.toIntExact(count()));
  }

  void upload(float[] values) {
    queue.upload(values, all);
  }

  private long count() {
    return (long) layers.length * neurons;
  }

  @Override
  public void close() {
    all.close();
  }
}
