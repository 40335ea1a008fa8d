package org.coreinfer.binding;

import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;

/**
 * How JavaCPP sees the types of the C headers: pointers become addresses ({@code long}), so that a
 * call makes no object, and only the results of a call are arrays.
 */
public final class KernelTypes {
  private KernelTypes() {}

  /** Adds what every library's configuration needs. */
  public static void map(InfoMap infoMap) {
    infoMap
        .put(new Info().objectify())
        .put(new Info("ci_context").skip().cast().valueTypes("long").pointerTypes("long"))
        .put(new Info("ci_address").cast().valueTypes("long").pointerTypes("long[]"))
        .put(new Info("const float", "float").cast().valueTypes("float").pointerTypes("long"))
        .put(new Info("const double", "double").cast().valueTypes("double").pointerTypes("long"))
        .put(new Info("const int32_t", "int32_t").cast().valueTypes("int").pointerTypes("long"))
        .put(new Info("const uint32_t", "uint32_t").cast().valueTypes("int").pointerTypes("long"))
        .put(new Info("const uint64_t", "uint64_t").cast().valueTypes("long").pointerTypes("long"))
        .put(new Info("const uint8_t", "uint8_t").cast().valueTypes("byte").pointerTypes("long"))
        .put(new Info("const int64_t", "int64_t").cast().valueTypes("long").pointerTypes("long[]"))
        .put(new Info("const void", "void").cast().valueTypes("void").pointerTypes("long"))
        .put(new Info("const char").pointerTypes("String").valueTypes("byte"));
  }
}
