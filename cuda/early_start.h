// Kernels of decode that start while the one before them ends: in a chain of kernels of some microseconds each, the
// time between two of them counts. From compute capability 9.0 on (programmatic dependent launch).
//
// The rule that makes it safe: a kernel that lets the next one start early writes vectors, caches and scratch memory
// only, and a kernel that starts early reads nothing but weights and neuron lists before it waits, and writes nothing.
#ifndef COREINFER_CUDA_EARLY_START_H_
#define COREINFER_CUDA_EARLY_START_H_

#include "device.h"

namespace coreinfer {

/// Lets the next kernel start when every block of this one has come here; it waits for this one's end itself.
__device__ __forceinline__ void LetNextStart() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Waits until everything before this kernel is done and its results are there. Each thread that uses them calls it.
/// What was written before must not be read through __ldg or a __restrict__ pointer: such loads may be moved in front.
__device__ __forceinline__ void WaitForPrevious() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#elif !defined(__CUDACC__)
  simt::WaitForEarlierKernels();
#endif
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_EARLY_START_H_
