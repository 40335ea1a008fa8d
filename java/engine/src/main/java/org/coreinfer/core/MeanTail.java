package org.coreinfer.core;

import java.io.IOException;
import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.StateReader;
import org.coreinfer.model.StateWriter;
import org.coreinfer.model.Tail;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;

/** The mean of what the left-out neurons gave over a prompt, one vector for each layer. */
final class MeanTail implements Tail, AutoCloseable {
  private final Backend queue;
  private final int layers;
  private final int neurons;
  private final Resources memory = new Resources();
  private final NativeMemory sums; // (layers, neurons)
  private final NativeMemory constants; // (layers, dim)
  private final NativeMemory factors; // (neurons)
  private final long[] tokens; // by layer, that were summed
  private NativeMemory ones; // (most tokens at once)

  MeanTail(Backend queue, ModelConfig config) {
    this.queue = queue;
    this.layers = config.layers();
    this.neurons = config.neurons();
    this.tokens = new long[layers];
    try {
      this.sums = memory.own(queue.allocateFloats("activations", (long) layers * neurons));
      this.constants = memory.own(queue.allocateFloats("the tail", (long) layers * config.dim()));
      this.factors = memory.own(queue.allocateFloats("activations", neurons));
      this.ones = ones(1);
      memory.onClose(() -> ones.close());
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  private NativeMemory ones(int count) {
    NativeMemory filled = queue.allocateFloats("ones", count);
    float[] values = new float[count];
    Arrays.fill(values, 1);
    queue.upload(values, filled);
    return filled;
  }

  private static NativeMemory part(NativeMemory whole, int index, int count) {
    long bytes = whole.bytes() / count;
    return whole.slice(index * bytes, bytes);
  }

  /** Adds activations (count, neurons) of a layer to its sums. */
  void observe(int layer, NativeMemory activations, int count) {
    if (ones.bytes() < (long) count * Float.BYTES) {
      NativeMemory more = ones(count);
      ones.close();
      ones = more;
    }
    Tensor seen = new Tensor("activations", DType.F32, count, neurons, activations);
    queue.matmulTransposed(seen, ones, 1, part(sums, layer, layers));
    tokens[layer] += count;
  }

  /**
   * Computes a layer's vector.
   *
   * @param listed the neurons that are not left out
   */
  void leaveOut(int layer, FfnWeights ffn, int[] listed) {
    float[] means = queue.downloadFloats(part(sums, layer, layers), neurons);
    for (int i = 0; i < neurons; i++) {
      means[i] /= tokens[layer];
    }
    for (int neuron : listed) {
      means[neuron] = 0;
    }
    queue.upload(means, factors);
    NativeMemory constant = part(constants, layer, layers);
    queue.upload(new float[ffn.dim()], constant);
    queue.matmulTransposed(ffn.down(), factors, 1, constant);
  }

  /** What was summed so far, for {@link #restore}. */
  record Snapshot(float[] sums, long[] tokens) {}

  Snapshot snapshot() {
    return new Snapshot(
        queue.downloadFloats(sums, Math.multiplyExact(layers, neurons)), tokens.clone());
  }

  /** Copies what was summed of a layer so far. */
  void copy(int layer, Snapshot snapshot) {
    float[] known = queue.downloadFloats(part(sums, layer, layers), neurons);
    System.arraycopy(known, 0, snapshot.sums(), layer * neurons, neurons);
    snapshot.tokens()[layer] = tokens[layer];
  }

  void save(StateWriter writer) throws IOException {
    Snapshot snapshot = snapshot();
    writer.put(snapshot.sums());
    writer.put(snapshot.tokens());
  }

  void load(StateReader reader) throws IOException {
    float[] saved = reader.getFloats("the sums of activations", layers * neurons);
    restore(new Snapshot(saved, reader.getLongs("the counts of tokens", layers)));
  }

  void forget() {
    restore(new Snapshot(new float[Math.multiplyExact(layers, neurons)], new long[layers]));
  }

  void restore(Snapshot snapshot) {
    queue.upload(snapshot.sums(), sums);
    System.arraycopy(snapshot.tokens(), 0, tokens, 0, layers);
  }

  @Override
  public void add(Backend on, int layer, NativeMemory x, NativeMemory y) {
    NativeMemory constant = part(constants, layer, layers);
    on.add(constant, constant.bytes() / Float.BYTES, y);
  }

  @Override
  public long bytes(int layer) {
    return constants.bytes() / layers;
  }

  @Override
  public void close() {
    memory.close();
  }
}
