// Which weight dtypes this backend computes.
#ifndef COREINFER_CUDA_DEVICE_DTYPE_H_
#define COREINFER_CUDA_DEVICE_DTYPE_H_

#include <cstdint>

#include "check.h"
#include "coreinfer/types.h"

namespace coreinfer {

/// Refuses the dtypes that only the CPU backend computes.
inline void RequireDeviceDtype(const char* name, int32_t dtype) {
  if (dtype <= CI_Q4_0_SHARED || dtype > CI_Q6_K_SHARED) return;
  Fail(CI_UNSUPPORTED, "%s has a dtype that the CUDA backend does not compute, only the CPU backend: dtype=%d", name,
       dtype);
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_DEVICE_DTYPE_H_
