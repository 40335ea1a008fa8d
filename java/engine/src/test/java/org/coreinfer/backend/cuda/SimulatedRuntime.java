package org.coreinfer.backend.cuda;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.coreinfer.cudahost.CudaHostKernels;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.jspecify.annotations.Nullable;

/**
 * CUDA's runtime on the simulated device: streams that run when somebody waits for them, graphs
 * that hold kernels with their arguments, and refusals where CUDA refuses. A wait for an event
 * drains the stream in which it was recorded.
 */
final class SimulatedRuntime implements CudaRuntime {
  private static final Gpu GPU = new Gpu(0, "simulated", 9, 0, 1L << 30, 1e9);
  private static final int OUT_OF_MEMORY = 2;

  private final CudaHostKernels cuda = new CudaHostKernels();
  private final Kind kind;
  private final Map<Long, Long> streamOfEvent = new ConcurrentHashMap<>();
  private final AtomicLong events = new AtomicLong();
  private final AtomicInteger captures = new AtomicInteger();
  private final AtomicInteger launches = new AtomicInteger();
  private final AtomicInteger open = new AtomicInteger();

  /** What of CUDA there is. */
  record Kind(boolean hasBlas, boolean hasGraphs) {}

  SimulatedRuntime(Kind kind) {
    this.kind = kind;
  }

  int captures() {
    return captures.get();
  }

  int launches() {
    return launches.get();
  }

  /** Streams, events, graphs and pinned memory that were not given back. */
  int open() {
    return open.get();
  }

  @Override
  public Gpu gpu() {
    return GPU;
  }

  @Override
  public long freeBytes() {
    long[] bytes = new long[1];
    check(cuda.simulated_free_bytes(bytes), "cudaMemGetInfo");
    return bytes[0];
  }

  @Override
  public long newStream() {
    long[] stream = new long[1];
    check(cuda.simulated_stream_create(stream), "cudaStreamCreate");
    open.incrementAndGet();
    return stream[0];
  }

  @Override
  public void closeStream(long stream) {
    streamOfEvent.values().removeIf(recordedIn -> recordedIn == stream);
    check(cuda.simulated_stream_destroy(stream), "cudaStreamDestroy");
    open.decrementAndGet();
  }

  @Override
  public long newEvent(boolean isTimed) {
    open.incrementAndGet();
    return events.incrementAndGet();
  }

  @Override
  public void closeEvent(long event) {
    streamOfEvent.remove(event);
    open.decrementAndGet();
  }

  @Override
  public void recordEvent(long event, long stream) {
    streamOfEvent.put(event, stream);
  }

  @Override
  public void waitForEvent(long stream, long event) {
    Long recordedIn = streamOfEvent.get(event);
    if (recordedIn != null && recordedIn != stream) {
      check(cuda.simulated_stream_synchronize(recordedIn), "cudaStreamWaitEvent");
    }
  }

  @Override
  public void awaitEvent(long event) {
    Long recordedIn = streamOfEvent.get(event);
    if (recordedIn != null) {
      check(cuda.simulated_stream_synchronize(recordedIn), "cudaEventSynchronize");
    }
  }

  @Override
  public double milliseconds(long begin, long end) {
    return 0.001;
  }

  @Override
  public long allocatePinned(long bytes) {
    long[] address = new long[1];
    int error = cuda.simulated_host_allocate(bytes, address);
    if (error == OUT_OF_MEMORY) {
      throw new OutOfNativeMemoryException("cudaHostAlloc: " + bytes + " bytes were refused");
    }
    check(error, "cudaHostAlloc");
    open.incrementAndGet();
    return address[0];
  }

  @Override
  public void freePinned(long address) {
    check(cuda.simulated_host_free(address), "cudaFreeHost");
    open.decrementAndGet();
  }

  @Override
  public Graph capture(long stream, Runnable calls) {
    if (!kind.hasGraphs) {
      return new RepeatedCalls(calls);
    }
    check(cuda.simulated_capture_begin(stream), "cudaStreamBeginCapture");
    long[] graph = new long[1];
    try {
      calls.run();
    } catch (RuntimeException e) {
      if (cuda.simulated_capture_end(stream, graph) == 0) {
        check(cuda.simulated_graph_destroy(graph[0]), "cudaGraphExecDestroy");
      }
      throw e;
    }
    check(cuda.simulated_capture_end(stream, graph), "cudaStreamEndCapture");
    captures.incrementAndGet();
    open.incrementAndGet();
    return new SimulatedGraph(graph[0]);
  }

  private record RepeatedCalls(Runnable calls) implements Graph {
    @Override
    public void launch(long stream) {
      calls.run();
    }

    @Override
    public void close() {}
  }

  private final class SimulatedGraph implements Graph {
    private final long graph;

    SimulatedGraph(long graph) {
      this.graph = graph;
    }

    @Override
    public void launch(long stream) {
      launches.incrementAndGet();
      check(cuda.simulated_graph_launch(graph, stream), "cudaGraphLaunch");
    }

    @Override
    public void close() {
      check(cuda.simulated_graph_destroy(graph), "cudaGraphExecDestroy");
      open.decrementAndGet();
    }
  }

  @Override
  public @Nullable Blas newBlas() {
    return kind.hasBlas
        ? new JavaBlas(
            stream -> check(cuda.simulated_stream_synchronize(stream), "cudaStreamSynchronize"))
        : null;
  }

  @Override
  public void close() {}

  private static void check(int error, String call) {
    if (error != 0) {
      throw new BackendException(call + " failed with error " + error);
    }
  }
}
