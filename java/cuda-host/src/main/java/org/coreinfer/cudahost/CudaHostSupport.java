package org.coreinfer.cudahost;

import org.coreinfer.binding.NativeCudaKernels;

/**
 * The superclass of the generated {@code CudaHostKernels}: gives it the two interfaces, and its
 * configuration, which JavaCPP finds through inheritance.
 */
public abstract class CudaHostSupport extends CudaHostConfig implements NativeCudaKernels {
  /** Whether this build has the library: CMake leaves it out where it cannot be made. */
  public static boolean isLinked() {
    return CudaHostSupport.class.getResource("linux-x86_64/libjniCudaHostKernels.so") != null;
  }
}
