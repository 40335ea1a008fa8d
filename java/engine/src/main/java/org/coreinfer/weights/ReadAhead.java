package org.coreinfer.weights;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;

/**
 * Reads a file's tensors from the disk, in the order in which they lie there, while others compute
 * with the first ones. Closing stops it and waits until it has stopped; do so before the file is
 * closed. Thread-safe.
 */
public final class ReadAhead implements AutoCloseable {
  private static final long PART = 16 << 20; // closing waits for one

  private final List<NativeMemory> parts = new ArrayList<>();
  private final Consumer<NativeMemory> reader;
  private final Thread thread = new Thread(this::run, "coreinfer-read-ahead");
  private volatile boolean isStopped;

  /**
   * Starts reading.
   *
   * @param reader brings mapped memory in and waits for it
   */
  public ReadAhead(WeightFile file, Consumer<NativeMemory> reader) {
    this.reader = reader;
    for (Tensor tensor : file.tensors().values()) {
      NativeMemory memory = tensor.memory();
      for (long at = 0; at < memory.bytes(); at += PART) {
        parts.add(memory.slice(at, Math.min(PART, memory.bytes() - at)));
      }
    }
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    for (NativeMemory part : parts) {
      if (isStopped) {
        return;
      }
      reader.accept(part);
    }
  }

  @Override
  public void close() {
    isStopped = true;
    boolean isInterrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        isInterrupted = true; // what is being read must not be unmapped
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
