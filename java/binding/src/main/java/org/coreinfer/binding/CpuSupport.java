package org.coreinfer.binding;

/** The superclass of the generated {@code CpuKernels}, which is how that class comes to implement the one interface. */
public abstract class CpuSupport implements NativeKernels {}
