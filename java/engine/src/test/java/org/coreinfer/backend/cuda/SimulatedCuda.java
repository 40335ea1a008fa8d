package org.coreinfer.backend.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.coreinfer.backend.Host;
import org.coreinfer.cudahost.CudaHostKernels;
import org.coreinfer.cudahost.CudaHostSupport;

/** The CUDA backend on the simulated device. */
public final class SimulatedCuda {
  private final SimulatedRuntime runtime;
  private final KernelProbe probe;
  private final long limit;

  private SimulatedCuda(boolean hasBlas, long limit) {
    assumeTrue(CudaHostSupport.isLinked(), "this build has no simulated CUDA device");
    this.runtime = new SimulatedRuntime(hasBlas);
    this.probe = new KernelProbe(new CudaHostKernels());
    this.limit = limit;
  }

  /** With room for {@code limit} bytes, and products by the kernels or by something like cuBLAS. */
  public static SimulatedCuda of(boolean hasBlas, long limit) {
    return new SimulatedCuda(hasBlas, limit);
  }

  /** A backend with room for everything. */
  public static CudaBackend openPlain() {
    return of(false, Long.MAX_VALUE).open();
  }

  public CudaBackend open() {
    return CudaBackend.of(new CudaDevice(runtime, probe.watched(), Host.cpu(1), limit));
  }

  SimulatedRuntime runtime() {
    return runtime;
  }

  KernelProbe probe() {
    return probe;
  }
}
