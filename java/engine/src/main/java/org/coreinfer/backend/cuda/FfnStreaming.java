package org.coreinfer.backend.cuda;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnStream;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Two slots of device memory, filled from pinned memory on a stream of their own: while kernels
 * read one layer, the next one crosses the bus.
 */
final class FfnStreaming implements FfnStream {
  private static final long ALIGNMENT = 256;

  private final CudaDevice device;
  private final CudaBackend copies; // its stream carries nothing else
  private final List<FfnWeights> layers;
  private final Slot[] slots = new Slot[2];
  private final ReentrantLock passLock = new ReentrantLock();

  /**
   * @param filled event of the copy stream
   * @param freed event of whoever computed with the slot
   */
  private record Slot(NativeMemory memory, long filled, long freed) {}

  FfnStreaming(CudaDevice device, List<FfnWeights> layers) {
    this.device = device;
    this.layers = List.copyOf(layers);
    this.copies = CudaBackend.unshared(device);
    long bytes = layers.stream().mapToLong(FfnStreaming::slotBytes).max().orElse(ALIGNMENT);
    try {
      for (int i = 0; i < slots.length; i++) {
        NativeMemory memory = copies.allocate("FFN layers on their way", bytes);
        CudaRuntime runtime = device.runtime();
        slots[i] = new Slot(memory, runtime.newEvent(false), runtime.newEvent(false));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The device memory that one slot needs for a layer. */
  static long slotBytes(FfnWeights weights) {
    return slotBytes(weights.gate()) + slotBytes(weights.up()) + slotBytes(weights.down());
  }

  private static long slotBytes(@Nullable Tensor tensor) {
    return tensor == null ? 0 : (tensor.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  @Override
  public Pass open(Backend queue, int[] numbers) {
    passLock.lock();
    return new SlotPass((CudaBackend) queue, numbers);
  }

  private final class SlotPass implements Pass {
    private final CudaBackend queue;
    private final int[] numbers;
    private int started; // of the numbers
    private int ended;
    private boolean isClosed;

    SlotPass(CudaBackend queue, int[] numbers) {
      this.queue = queue;
      this.numbers = numbers;
    }

    @Override
    public FfnWeights layer(int number) {
      if (ended == numbers.length || numbers[ended] != number) {
        throw new IllegalStateException("layer " + number + " is not the next one of the pass");
      }
      while (started < numbers.length && started < ended + slots.length) {
        fill(started++);
      }
      Slot slot = slots[ended % slots.length];
      device.runtime().waitForEvent(queue.stream(), slot.filled);
      return inSlot(layers.get(number), slot.memory);
    }

    private void fill(int index) {
      FfnWeights source = layers.get(numbers[index]);
      Slot slot = slots[index % slots.length];
      FfnWeights target = inSlot(source, slot.memory);
      device.runtime().waitForEvent(copies.stream(), slot.freed);
      copy(source.gate(), target.gate());
      copy(source.up(), target.up());
      copy(source.down(), target.down());
      device.runtime().recordEvent(slot.filled, copies.stream());
    }

    private void copy(@Nullable Tensor source, @Nullable Tensor target) {
      if (source != null && target != null) {
        copies.upload(source.memory(), target.memory());
      }
    }

    @Override
    public void done(int number) {
      device.runtime().recordEvent(slots[ended % slots.length].freed, queue.stream());
      ended++;
    }

    /** Whoever comes next may not overwrite what this pass's queue still reads. */
    @Override
    public void close() {
      if (!isClosed) {
        isClosed = true;
        try {
          for (Slot slot : slots) {
            device.runtime().recordEvent(slot.freed, queue.stream());
          }
        } finally {
          passLock.unlock();
        }
      }
    }
  }

  private static FfnWeights inSlot(FfnWeights weights, NativeMemory slot) {
    Tensor gate = weights.gate();
    Tensor up = weights.up();
    Tensor down = weights.down();
    return new FfnWeights(
        weights.activation(),
        gate == null ? null : at(gate, slot, 0),
        at(up, slot, slotBytes(gate)),
        at(down, slot, slotBytes(gate) + slotBytes(up)),
        weights.gateBias(),
        weights.upBias(),
        weights.downBias());
  }

  private static Tensor at(Tensor tensor, NativeMemory slot, long offset) {
    NativeMemory memory = slot.slice(offset, tensor.bytes());
    return new Tensor(tensor.name(), tensor.dtype(), tensor.rows(), tensor.columns(), memory);
  }

  @Override
  public void close() {
    for (Slot slot : slots) {
      if (slot != null) {
        slot.memory.close();
        device.runtime().closeEvent(slot.filled);
        device.runtime().closeEvent(slot.freed);
      }
    }
    copies.close();
  }
}
