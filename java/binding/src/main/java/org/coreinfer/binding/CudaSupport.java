package org.coreinfer.binding;

/**
 * The superclass of the generated {@code CudaKernels}: gives it the two interfaces, and its
 * configuration, which JavaCPP finds through inheritance.
 */
public abstract class CudaSupport extends CudaConfig implements NativeCudaKernels {}
