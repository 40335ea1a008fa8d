// Stands in for CUDA's header of this name in the host build: see simt.h.
#ifndef COREINFER_CUDA_HOST_CUDA_RUNTIME_H_
#define COREINFER_CUDA_HOST_CUDA_RUNTIME_H_

// Kernels are plain functions and the variables that a block shares are static, since one block runs at a time.
#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __constant__
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))

#include "device_functions.h"
#include "runtime_api.h"
#include "vector_types.h"

#endif  // COREINFER_CUDA_HOST_CUDA_RUNTIME_H_
