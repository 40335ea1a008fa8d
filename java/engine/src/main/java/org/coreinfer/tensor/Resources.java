package org.coreinfer.tensor;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** Things that are given back together, the latest first. For one thread at a time. */
public final class Resources implements AutoCloseable {
  private final Deque<Runnable> closings = new ArrayDeque<>();

  /** Takes over memory. */
  public NativeMemory own(NativeMemory memory) {
    closings.push(memory::close);
    return memory;
  }

  /** Adds what is to be done. */
  public void onClose(Runnable closing) {
    closings.push(closing);
  }

  /** Gives everything back, even if something fails; then throws the first failure. */
  @Override
  public void close() {
    @Nullable RuntimeException failure = null;
    while (!closings.isEmpty()) {
      try {
        closings.pop().run();
      } catch (RuntimeException e) {
        failure = failure == null ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
