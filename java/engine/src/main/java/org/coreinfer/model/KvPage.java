package org.coreinfer.model;

import java.util.concurrent.atomic.AtomicInteger;
import org.coreinfer.tensor.NativeMemory;

/**
 * Keys and values of consecutive tokens in every layer: (layers, 2, kv_heads, PAGE, head_dim).
 * Sequences that begin alike share it; its memory goes back when the last of them lets go of it.
 * Only a page with one user may be written to.
 */
final class KvPage {
  private final NativeMemory memory;
  private final Runnable onClose;
  private final AtomicInteger users = new AtomicInteger(1);

  KvPage(NativeMemory memory, Runnable onClose) {
    this.memory = memory;
    this.onClose = onClose;
  }

  NativeMemory memory() {
    return memory;
  }

  boolean isShared() {
    return users.get() > 1;
  }

  /** Adds a user; the caller must be one. */
  KvPage share() {
    users.incrementAndGet();
    return this;
  }

  /** Takes a user away. */
  void release() {
    if (users.decrementAndGet() == 0) {
      memory.close();
      onClose.run();
    }
  }
}
