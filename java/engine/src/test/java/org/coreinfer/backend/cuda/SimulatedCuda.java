package org.coreinfer.backend.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.function.ToIntBiFunction;
import org.coreinfer.backend.Host;
import org.coreinfer.cudahost.CudaHostKernels;
import org.coreinfer.cudahost.CudaHostSupport;

/** The CUDA backend on the simulated device, watched. */
public final class SimulatedCuda {
  private final SimulatedRuntime runtime;
  private final KernelProbe probe;

  private SimulatedCuda(SimulatedRuntime.Kind kind) {
    assumeTrue(CudaHostSupport.isLinked(), "this build has no simulated CUDA device");
    this.runtime = new SimulatedRuntime(kind);
    this.probe = new KernelProbe(new CudaHostKernels());
  }

  /** With graphs, and products by our own kernels. */
  public static SimulatedCuda plain() {
    return new SimulatedCuda(new SimulatedRuntime.Kind(false, true));
  }

  /** With something like cuBLAS. */
  public static SimulatedCuda withBlas() {
    return new SimulatedCuda(new SimulatedRuntime.Kind(true, true));
  }

  /** Whose graphs make the calls anew instead of repeating recorded ones. */
  public static SimulatedCuda withoutGraphs() {
    return new SimulatedCuda(new SimulatedRuntime.Kind(false, false));
  }

  public CudaBackend open() {
    return open(0);
  }

  /**
   * Opens it.
   *
   * @param limit bytes of device memory; 0 for all
   */
  public CudaBackend open(long limit) {
    long allowed = limit > 0 ? limit : runtime.freeBytes();
    return CudaBackend.of(new CudaDevice(runtime, probe.watched(), Host.cpu(1), allowed, 0));
  }

  /** How often calls were recorded as a graph. */
  public int captures() {
    return runtime.captures();
  }

  /** How often graphs were launched. */
  public int launches() {
    return runtime.launches();
  }

  /** Streams, events, graphs and pinned memory that were not given back. */
  public int openHandles() {
    return runtime.open();
  }

  public long freeBytes() {
    return runtime.freeBytes();
  }

  /** How often a kernel function was called since {@link #forgetCalls}. */
  public int calls(String name) {
    return probe.calls(name);
  }

  /** Bytes that were copied to the device since {@link #forgetCalls}. */
  public long uploadedBytes() {
    return probe.uploadedBytes();
  }

  public void forgetCalls() {
    probe.reset();
  }

  /** From now on calls fail with the status that a rule gives them, unless that is 0. */
  public void failWith(ToIntBiFunction<String, Object[]> rule) {
    probe.failWith(rule);
  }

  /** Calls work again. */
  public void repair() {
    probe.failWith((name, arguments) -> 0);
  }
}
