package org.coreinfer.backend.cuda;

import org.bytedeco.cuda.cublas.cublasContext;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.coreinfer.backend.cuda.CudaRuntime.Blas;
import org.coreinfer.backend.cuda.CudaRuntime.Precision;
import org.coreinfer.error.BackendException;
import org.jspecify.annotations.Nullable;

/** cuBLAS through the JavaCPP presets. Scalars are read from device memory. */
final class PresetBlas implements Blas {
  private static final int DEFAULT_ALGORITHM = -1;

  private final Presets runtime;
  private final cublasContext handle = new cublasContext();

  PresetBlas(Presets runtime) {
    this.runtime = runtime;
    check(cublas.cublasCreate_v2(handle), "cublasCreate", "");
    int mode = cublas.CUBLAS_POINTER_MODE_DEVICE;
    check(cublas.cublasSetPointerMode_v2(handle, mode), "cublasSetPointerMode", "");
  }

  /** Why the library can't be loaded; null if it is. */
  static @Nullable String failure() {
    return Library.FAILURE;
  }

  private static final class Library {
    static final @Nullable String FAILURE = load();

    private static @Nullable String load() {
      try {
        Loader.load(cublas.class);
        return null;
      } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
        return Cuda.reason(e);
      }
    }
  }

  @Override
  public void use(long stream, long workspace, long bytes) {
    runtime.select();
    int status = cublas.cublasSetStream_v2(handle, Presets.stream(stream));
    check(status, "cublasSetStream", "");
    // Setting the stream went back to a workspace of cuBLAS's own.
    status = cublas.cublasSetWorkspace_v2(handle, at(workspace), bytes);
    check(status, "cublasSetWorkspace", "bytes=" + bytes);
  }

  @Override
  public void multiply(
      Precision precision,
      boolean isTransposed,
      int m,
      int n,
      int k,
      long alpha,
      long a,
      int lda,
      long b,
      int ldb,
      long beta,
      long c,
      int ldc) {
    runtime.select();
    int operands = precision == Precision.F16 ? cudart.CUDA_R_16F : cudart.CUDA_R_32F;
    int arithmetic =
        switch (precision) {
          case F32 -> cublas.CUBLAS_COMPUTE_32F_PEDANTIC;
          case TF32 -> cublas.CUBLAS_COMPUTE_32F_FAST_TF32;
          case F16 -> cublas.CUBLAS_COMPUTE_32F;
        };
    int status =
        cublas.cublasGemmEx(
            handle,
            isTransposed ? cublas.CUBLAS_OP_T : cublas.CUBLAS_OP_N,
            cublas.CUBLAS_OP_N,
            m,
            n,
            k,
            at(alpha),
            at(a),
            operands,
            lda,
            at(b),
            operands,
            ldb,
            at(beta),
            at(c),
            cudart.CUDA_R_32F,
            ldc,
            arithmetic,
            DEFAULT_ALGORITHM);
    if (status != cublas.CUBLAS_STATUS_SUCCESS) {
      check(status, "cublasGemmEx", "m=%d n=%d k=%d %s".formatted(m, n, k, precision));
    }
  }

  private static Pointer at(long address) {
    return new Presets.Address(address);
  }

  private void check(int status, String call, String sizes) {
    if (status != cublas.CUBLAS_STATUS_SUCCESS) {
      try (BytePointer sentence = cublas.cublasGetStatusString(status)) {
        throw new BackendException(
            "cuda %s: %s failed with status %d: %s (%s)"
                .formatted(runtime.gpu(), call, status, sentence.getString(), sizes));
      }
    }
  }

  @Override
  public void close() {
    runtime.select();
    check(cublas.cublasDestroy_v2(handle), "cublasDestroy", "");
  }
}
