/**
 * For tests only: the CUDA library's kernels, compiled for the CPU against the SIMT shim of
 * cuda/host, so that everything above them runs without a GPU. The class {@code CudaHostKernels} is
 * generated from the same headers as the real library's.
 */
@NullMarked
package org.coreinfer.cudahost;

import org.jspecify.annotations.NullMarked;
