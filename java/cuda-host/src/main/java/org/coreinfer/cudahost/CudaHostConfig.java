package org.coreinfer.cudahost;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;
import org.coreinfer.binding.KernelTypes;

/** How JavaCPP makes {@code CudaHostKernels} of the C headers. */
@Properties(
    value =
        @Platform(
            value = "linux-x86_64",
            include = {
              "coreinfer/types.h",
              "coreinfer/kernels.h",
              "coreinfer/cuda.h",
              "simulated_runtime.h"
            },
            compiler = "cpp17",
            link = "coreinfer_cuda_host"),
    target = "org.coreinfer.cudahost.CudaHostKernels",
    helper = "org.coreinfer.cudahost.CudaHostSupport")
public class CudaHostConfig implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    KernelTypes.map(infoMap);
  }
}
