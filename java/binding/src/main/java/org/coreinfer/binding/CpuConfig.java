package org.coreinfer.binding;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * How JavaCPP turns the C headers into {@code CpuKernels}: pointers become addresses ({@code
 * long}), so that a call makes no object, and only the results of a call are arrays.
 */
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
    infoMap
        .put(new Info().objectify())
        .put(new Info("ci_context").skip().cast().valueTypes("long").pointerTypes("long"))
        .put(new Info("ci_address").cast().valueTypes("long").pointerTypes("long[]"))
        .put(new Info("const float", "float").cast().valueTypes("float").pointerTypes("long"))
        .put(new Info("const int32_t", "int32_t").cast().valueTypes("int").pointerTypes("long"))
        .put(new Info("const uint8_t", "uint8_t").cast().valueTypes("byte").pointerTypes("long"))
        .put(new Info("const int64_t", "int64_t").cast().valueTypes("long").pointerTypes("long[]"))
        .put(new Info("const void", "void").cast().valueTypes("void").pointerTypes("long"))
        .put(new Info("const char").pointerTypes("String").valueTypes("byte"));
  }
}
