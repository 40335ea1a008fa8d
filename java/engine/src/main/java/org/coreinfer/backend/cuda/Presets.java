package org.coreinfer.backend.cuda;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.jspecify.annotations.Nullable;

/**
 * CUDA's runtime through the JavaCPP presets. Loading this class needs the driver and libcudart:
 * {@link Cuda} makes sure of both.
 */
final class Presets implements CudaRuntime {
  private final Gpu gpu;

  Presets(Gpu gpu) {
    this.gpu = gpu;
  }

  // ---- devices ----

  /** As 12040 for 12.4. */
  static int driverVersion() {
    int[] version = new int[1];
    check("cuda", cudart.cudaDriverGetVersion(version), "cudaDriverGetVersion", "");
    return version[0];
  }

  static int runtimeVersion() {
    int[] version = new int[1];
    check("cuda", cudart.cudaRuntimeGetVersion(version), "cudaRuntimeGetVersion", "");
    return version[0];
  }

  static List<Gpu> gpus() {
    int[] count = new int[1];
    check("cuda", cudart.cudaGetDeviceCount(count), "cudaGetDeviceCount", "");
    List<Gpu> gpus = new ArrayList<>();
    for (int number = 0; number < count[0]; number++) {
      gpus.add(gpu(number));
    }
    return gpus;
  }

  private static Gpu gpu(int number) {
    byte[] name = new byte[256];
    int[] device = new int[1];
    check("cuda", cudart.cuDeviceGet(device, number), "cuDeviceGet", "device=" + number);
    check("cuda", cudart.cuDeviceGetName(name, name.length, device[0]), "cuDeviceGetName", "");
    int end = 0;
    while (end < name.length && name[end] != 0) {
      end++;
    }
    double kilohertz = attribute(cudart.cudaDevAttrMemoryClockRate, number);
    double bits = attribute(cudart.cudaDevAttrGlobalMemoryBusWidth, number);
    return new Gpu(
        number,
        new String(name, 0, end, StandardCharsets.UTF_8),
        attribute(cudart.cudaDevAttrComputeCapabilityMajor, number),
        attribute(cudart.cudaDevAttrComputeCapabilityMinor, number),
        memory(number)[1],
        2 * kilohertz * 1e3 * bits / Byte.SIZE);
  }

  private static int attribute(int attribute, int number) {
    int[] value = new int[1];
    int error = cudart.cudaDeviceGetAttribute(value, attribute, number);
    check("cuda", error, "cudaDeviceGetAttribute", "attribute=" + attribute);
    return value[0];
  }

  /** Free and total bytes. */
  static long[] memory(int number) {
    check("cuda", cudart.cudaSetDevice(number), "cudaSetDevice", "device=" + number);
    try (SizeTPointer free = new SizeTPointer(1);
        SizeTPointer total = new SizeTPointer(1)) {
      check("cuda", cudart.cudaMemGetInfo(free, total), "cudaMemGetInfo", "device=" + number);
      return new long[] {free.get(), total.get()};
    }
  }

  @Override
  public Gpu gpu() {
    return gpu;
  }

  @Override
  public long freeBytes() {
    return memory(gpu.number())[0];
  }

  // ---- streams and events ----

  @Override
  public long newStream() {
    select();
    CUstream_st stream = new CUstream_st();
    int error = cudart.cudaStreamCreateWithFlags(stream, cudart.cudaStreamNonBlocking);
    check(error, "cudaStreamCreateWithFlags", "");
    return stream.address();
  }

  @Override
  public void closeStream(long stream) {
    select();
    check(cudart.cudaStreamDestroy(stream(stream)), "cudaStreamDestroy", "");
  }

  @Override
  public long newEvent(boolean isTimed) {
    select();
    CUevent_st event = new CUevent_st();
    int flags = isTimed ? cudart.cudaEventDefault : cudart.cudaEventDisableTiming;
    check(cudart.cudaEventCreateWithFlags(event, flags), "cudaEventCreateWithFlags", "");
    return event.address();
  }

  @Override
  public void closeEvent(long event) {
    select();
    check(cudart.cudaEventDestroy(event(event)), "cudaEventDestroy", "");
  }

  @Override
  public void recordEvent(long event, long stream) {
    select();
    check(cudart.cudaEventRecord(event(event), stream(stream)), "cudaEventRecord", "");
  }

  @Override
  public void waitForEvent(long stream, long event) {
    select();
    check(cudart.cudaStreamWaitEvent(stream(stream), event(event), 0), "cudaStreamWaitEvent", "");
  }

  @Override
  public void awaitEvent(long event) {
    select();
    check(cudart.cudaEventSynchronize(event(event)), "cudaEventSynchronize", "");
  }

  @Override
  public double milliseconds(long begin, long end) {
    select();
    float[] elapsed = new float[1];
    int error = cudart.cudaEventElapsedTime(elapsed, event(begin), event(end));
    check(error, "cudaEventElapsedTime", "");
    return elapsed[0];
  }

  // ---- memory ----

  @Override
  public long allocatePinned(long bytes) {
    select();
    Pointer memory = new Pointer();
    int error = cudart.cudaHostAlloc(memory, bytes, cudart.cudaHostAllocDefault);
    check(error, "cudaHostAlloc", "bytes=" + bytes);
    return memory.address();
  }

  @Override
  public void freePinned(long address) {
    select();
    check(cudart.cudaFreeHost(new Address(address)), "cudaFreeHost", "");
  }

  // ---- graphs ----

  /** Captures this thread's calls only, so that other threads may use the device meanwhile. */
  @Override
  public Graph capture(long stream, Runnable calls) {
    select();
    CUstream_st capturing = stream(stream);
    int error = cudart.cudaStreamBeginCapture(capturing, cudart.cudaStreamCaptureModeThreadLocal);
    check(error, "cudaStreamBeginCapture", "");
    CUgraph_st graph = new CUgraph_st();
    try {
      calls.run();
    } catch (RuntimeException e) {
      cudart.cudaStreamEndCapture(capturing, graph);
      destroy(graph);
      cudart.cudaGetLastError(); // of a capture that is given up
      throw e;
    }
    check(cudart.cudaStreamEndCapture(capturing, graph), "cudaStreamEndCapture", "");
    try {
      CUgraphExec_st executable = new CUgraphExec_st();
      check(cudart.cudaGraphInstantiate(executable, graph, 0), "cudaGraphInstantiate", "");
      return new PresetGraph(executable);
    } finally {
      destroy(graph);
    }
  }

  private static void destroy(CUgraph_st graph) {
    if (!graph.isNull()) {
      cudart.cudaGraphDestroy(graph);
    }
  }

  private final class PresetGraph implements Graph {
    private final CUgraphExec_st executable;

    PresetGraph(CUgraphExec_st executable) {
      this.executable = executable;
    }

    @Override
    public void launch(long stream) {
      select();
      check(cudart.cudaGraphLaunch(executable, stream(stream)), "cudaGraphLaunch", "");
    }

    @Override
    public void close() {
      select();
      check(cudart.cudaGraphExecDestroy(executable), "cudaGraphExecDestroy", "");
    }
  }

  // ---- products ----

  @Override
  public @Nullable Blas newBlas() {
    select();
    return PresetBlas.failure() == null ? new PresetBlas(this) : null;
  }

  @Override
  public void close() {}

  // ---- handles and failures ----

  /** Makes the device the calling thread's. */
  void select() {
    check(cudart.cudaSetDevice(gpu.number()), "cudaSetDevice", "");
  }

  static CUstream_st stream(long handle) {
    return new CUstream_st(new Address(handle));
  }

  private static CUevent_st event(long handle) {
    return new CUevent_st(new Address(handle));
  }

  /** A pointer that owns nothing. */
  static final class Address extends Pointer {
    Address(long address) {
      this.address = address;
    }
  }

  private void check(int error, String call, String sizes) {
    check("cuda " + gpu, error, call, sizes);
  }

  private static void check(String device, int error, String call, String sizes) {
    if (error == cudart.cudaSuccess) {
      return;
    }
    cudart.cudaGetLastError(); // the runtime keeps it for whoever asks next
    try (BytePointer sentence = cudart.cudaGetErrorString(error)) {
      String message =
          "%s: %s failed with error %d: %s%s"
              .formatted(
                  device,
                  call,
                  error,
                  sentence.getString(),
                  sizes.isEmpty() ? "" : " (" + sizes + ")");
      CoreInferException failure =
          error == cudart.cudaErrorMemoryAllocation
              ? new OutOfNativeMemoryException(message)
              : new BackendException(message);
      throw failure;
    }
  }
}
