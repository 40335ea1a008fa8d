package org.coreinfer.backend;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.coreinfer.backend.cuda.SimulatedCuda;

/** The backends that tests run over; one that is not here skips its tests. */
public enum TestBackend {
  CPU,
  /** CUDA on the simulated device: slow, so for small things. */
  SIMULATED_CUDA,
  /** The same with products by a library. */
  SIMULATED_CUBLAS;

  /** Opens it, or skips the test. */
  public Backend open() {
    return switch (this) {
      case CPU -> Host.cpu(2);
      case SIMULATED_CUDA -> SimulatedCuda.openPlain();
      case SIMULATED_CUBLAS -> SimulatedCuda.of(true, Long.MAX_VALUE).open();
    };
  }
}
