package org.coreinfer.backend.cuda;

import java.util.concurrent.locks.Lock;
import java.util.function.Consumer;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Recording;
import org.jspecify.annotations.Nullable;

/**
 * Work as a CUDA graph. The first run is made of plain calls, so that kernels are loaded and their
 * scratch memory is as large as it must be; the second is recorded, and all further ones are one
 * launch each.
 */
final class GraphRecording implements Recording {
  private final CudaBackend queue;
  private final CudaDevice device;
  private final Consumer<Backend> work;
  private boolean hasRun;
  private CudaRuntime.@Nullable Graph graph;

  GraphRecording(CudaBackend queue, CudaDevice device, Consumer<Backend> work) {
    this.queue = queue;
    this.device = device;
    this.work = work;
  }

  @Override
  public void run() {
    if (!hasRun) {
      work.accept(queue);
      hasRun = true;
      return;
    }
    CudaRuntime.Graph recorded = graph;
    if (recorded == null) {
      recorded = record();
      graph = recorded;
    }
    recorded.launch(queue.stream());
  }

  private CudaRuntime.Graph record() {
    Lock lock = device.recordingLock();
    lock.lock();
    try {
      return device.runtime().capture(queue.stream(), () -> work.accept(queue));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    if (graph != null) {
      graph.close();
      graph = null;
    }
  }
}
