package org.coreinfer.model;

import java.nio.FloatBuffer;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The logits after a token, valid until the next call with their state. They stay on the device
 * until they are read.
 */
public final class Logits implements AutoCloseable {
  private final Backend queue;
  private final NativeMemory memory;
  private final boolean ownsMemory;
  private @Nullable NativeMemory copy; // null where the memory itself can be read
  private @Nullable FloatBuffer view;
  private boolean isCopied;
  private boolean isAwaited = true;

  /** Memory for the logits of one sequence. */
  public Logits(Backend queue, int vocabulary) {
    this(queue, queue.allocateFloats("logits", vocabulary), true);
  }

  private Logits(Backend queue, NativeMemory memory, boolean ownsMemory) {
    this.queue = queue;
    this.memory = memory;
    this.ownsMemory = ownsMemory;
  }

  /** Logits in memory that someone else owns. */
  static Logits at(Backend queue, NativeMemory memory) {
    return new Logits(queue, memory, false);
  }

  public int vocabulary() {
    return Math.toIntExact(memory.bytes() / Float.BYTES);
  }

  /** Where kernels read them. */
  public NativeMemory memory() {
    return memory;
  }

  /** The backend on whose queue they are computed. */
  public Backend queue() {
    return queue;
  }

  /** All of them, for Java; waits for them. */
  public FloatBuffer read() {
    FloatBuffer floats = view();
    if (copy != null && !isCopied) {
      queue.download(memory, copy);
      isCopied = true;
    }
    isAwaited = true;
    return floats.rewind();
  }

  /** Where Java reads them; made when they are read first. */
  private FloatBuffer view() {
    FloatBuffer floats = view;
    if (floats == null) {
      if (!queue.isHost()) {
        copy = queue.allocateHost("logits", memory.bytes());
      }
      floats = (copy == null ? memory : copy).floats();
      view = floats;
    }
    return floats;
  }

  /** Says that something waited for work that was queued after them. */
  public void markAwaited() {
    isAwaited = true;
  }

  /** Waits for them, unless that was done. */
  void await() {
    if (!isAwaited) {
      queue.synchronize();
      isAwaited = true;
    }
  }

  /** Says that others will be computed. */
  void renew() {
    isCopied = false;
    isAwaited = queue.isHost();
  }

  @Override
  public void close() {
    if (ownsMemory) {
      memory.close();
    }
    if (copy != null) {
      copy.close();
    }
  }
}
