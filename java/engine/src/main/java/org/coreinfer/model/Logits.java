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
  private final @Nullable NativeMemory copy; // null where the memory itself can be read
  private final FloatBuffer view;
  private boolean isCopied;
  private boolean isAwaited = true;

  /** Memory for the logits of one sequence. */
  public Logits(Backend queue, int vocabulary) {
    this.queue = queue;
    this.memory = queue.allocateFloats("logits", vocabulary);
    NativeMemory host = null;
    try {
      if (!queue.isHost()) {
        host = queue.allocateHost("logits", memory.bytes());
      }
      this.copy = host;
      this.view = (host == null ? memory : host).floats();
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  public int vocabulary() {
    return view.capacity();
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
    if (copy != null && !isCopied) {
      queue.download(memory, copy);
      isCopied = true;
    }
    isAwaited = true;
    return view.rewind();
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
    memory.close();
    if (copy != null) {
      copy.close();
    }
  }
}
