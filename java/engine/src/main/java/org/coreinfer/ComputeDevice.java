package org.coreinfer;

/** Where a model computes. */
public enum ComputeDevice {
  /** CUDA where it can be used, else the CPU. */
  AUTO,
  CPU,
  CUDA
}
