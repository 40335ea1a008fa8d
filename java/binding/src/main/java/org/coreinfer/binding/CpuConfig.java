package org.coreinfer.binding;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/** How JavaCPP makes {@code CpuKernels} of the C headers. */
@Properties(
    value =
        @Platform(
            value = "linux-x86_64",
            include = {"coreinfer/types.h", "coreinfer/kernels.h", "coreinfer/host.h"},
            compiler = "cpp17",
            link = "coreinfer_cpu"),
    target = "org.coreinfer.binding.CpuKernels",
    helper = "org.coreinfer.binding.CpuSupport")
public class CpuConfig implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    KernelTypes.map(infoMap);
  }
}
