package org.coreinfer;

import org.coreinfer.backend.TestBackend;
import org.coreinfer.backend.cuda.SimulatedCuda;

/** Models on the backends of tests. */
final class TestModels {
  private TestModels() {}

  /** The builder's model on a backend; skips the test where that is not here. */
  static Model.Builder on(TestBackend backend, Model.Builder builder) {
    return switch (backend) {
      case CPU -> builder.device(ComputeDevice.CPU);
      case SIMULATED_CUDA -> on(SimulatedCuda.plain(), builder);
      case SIMULATED_CUBLAS -> on(SimulatedCuda.withBlas(), builder);
      case CUDA -> {
        TestBackend.requireGpu();
        yield builder.device(ComputeDevice.CUDA);
      }
    };
  }

  static Model.Builder on(SimulatedCuda cuda, Model.Builder builder) {
    return builder.device(ComputeDevice.CUDA).cuda(cuda::open);
  }
}
