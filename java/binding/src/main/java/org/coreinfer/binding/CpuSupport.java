package org.coreinfer.binding;

/**
 * The superclass of the generated {@code CpuKernels}: gives it the one interface, and its
 * configuration, which JavaCPP finds through inheritance.
 */
public abstract class CpuSupport extends CpuConfig implements NativeKernels {}
