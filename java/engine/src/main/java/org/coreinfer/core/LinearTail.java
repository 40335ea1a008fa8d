package org.coreinfer.core;

import java.nio.ShortBuffer;
import org.coreinfer.backend.Backend;
import org.coreinfer.model.Tail;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;

/** A calibration's {@link LinearMap}, where kernels read it. */
final class LinearTail implements Tail, AutoCloseable {
  private final Resources memory = new Resources();
  private final Tensor[] in;
  private final Tensor[] out;
  private final NativeMemory[] constants;
  private final NativeMemory hidden; // (rank)

  LinearTail(Backend queue, LinearMap map) {
    int layers = map.constant().length;
    this.in = new Tensor[layers];
    this.out = new Tensor[layers];
    this.constants = new NativeMemory[layers];
    try {
      this.hidden = memory.own(queue.allocateFloats("the tail", map.rank()));
      for (int layer = 0; layer < layers; layer++) {
        in[layer] = place(queue, map.in()[layer], map.rank(), map.dim());
        out[layer] = place(queue, map.out()[layer], map.dim(), map.rank());
        constants[layer] = memory.own(queue.allocateFloats("the tail", map.dim()));
        queue.upload(map.constant()[layer], constants[layer]);
      }
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  private Tensor place(Backend queue, short[] halves, int rows, int columns) {
    long bytes = DType.F16.bytes(halves.length);
    NativeMemory target = memory.own(queue.allocate("the tail", bytes));
    if (target.isHost()) {
      shorts(target).put(halves);
    } else {
      try (NativeMemory host = queue.allocateHost("the tail", bytes)) {
        shorts(host).put(halves);
        queue.upload(host, target);
        queue.synchronize();
      }
    }
    return new Tensor("the tail", DType.F16, rows, columns, target);
  }

  private static ShortBuffer shorts(NativeMemory memory) {
    return memory.buffer(0, Math.toIntExact(memory.bytes())).asShortBuffer();
  }

  @Override
  public void add(Backend on, int layer, NativeMemory x, NativeMemory y) {
    on.matvec(in[layer], null, x, 1, false, hidden);
    on.matvec(out[layer], constants[layer], hidden, 1, true, y);
  }

  @Override
  public long bytes(int layer) {
    return in[layer].bytes() + out[layer].bytes() + constants[layer].bytes();
  }

  @Override
  public void close() {
    memory.close();
  }
}
