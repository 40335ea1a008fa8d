package org.coreinfer.binding;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * How JavaCPP makes {@code CudaKernels} of the C headers. CUDA's runtime is linked into it, so it
 * loads on machines without one; the driver is opened by the first context.
 */
@Properties(
    value =
        @Platform(
            value = "linux-x86_64",
            include = {"coreinfer/types.h", "coreinfer/kernels.h", "coreinfer/cuda.h"},
            compiler = "cpp17",
            // Each needs those before it: JavaCPP turns the order round.
            link = {"rt#", "dl#", "pthread#", "cudart_static", "coreinfer_cuda"}),
    target = "org.coreinfer.binding.CudaKernels",
    helper = "org.coreinfer.binding.CudaSupport")
public class CudaConfig implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    KernelTypes.map(infoMap);
  }
}
