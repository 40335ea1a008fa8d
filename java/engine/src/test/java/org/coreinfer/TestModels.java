package org.coreinfer;

import java.nio.file.Path;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.backend.cuda.SimulatedCuda;
import org.coreinfer.tensor.DType;

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

  /**
   * A model that answers quickly on this backend: the embedded one, or a smaller one where the
   * device is simulated.
   *
   * @param folder for the smaller one's file
   */
  static Model.Builder quick(TestBackend backend, Path folder) {
    return backend.isSimulated()
        ? on(backend, Model.builder(RandomModel.write(folder, DType.F16)))
        : on(backend, Model.embedded());
  }

  static Model.Builder on(SimulatedCuda cuda, Model.Builder builder) {
    return builder.device(ComputeDevice.CUDA).cuda(cuda::open);
  }
}
