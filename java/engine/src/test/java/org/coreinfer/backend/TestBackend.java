package org.coreinfer.backend;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.coreinfer.backend.cuda.Cuda;
import org.coreinfer.backend.cuda.SimulatedCuda;

/** The backends that tests run over; one that is not here skips its tests. */
public enum TestBackend {
  CPU,
  /** CUDA on the simulated device: slow, so for small things. */
  SIMULATED_CUDA,
  /** The same with products by a library. */
  SIMULATED_CUBLAS,
  /** A GPU. */
  CUDA;

  /** Opens it, or skips the test. */
  public Backend open() {
    return switch (this) {
      case CPU -> Host.cpu(2);
      case SIMULATED_CUDA -> SimulatedCuda.plain().open();
      case SIMULATED_CUBLAS -> SimulatedCuda.withBlas().open();
      case CUDA -> {
        requireGpu();
        yield Cuda.open(0);
      }
    };
  }

  /** Skips the test where there is no GPU. */
  public static void requireGpu() {
    Cuda.Status status = Cuda.status();
    assumeTrue(status.isUsable(), () -> "skipped on a real GPU: " + status.failure());
  }

  /** Whether kernels run thread by thread, slowly. */
  public boolean isSimulated() {
    return this == SIMULATED_CUDA || this == SIMULATED_CUBLAS;
  }

  /** Whether dense products round activations of small weights to F16. */
  public boolean roundsProducts() {
    return this == SIMULATED_CUBLAS || this == CUDA;
  }
}
