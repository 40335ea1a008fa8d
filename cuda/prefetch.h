// A hint that memory will be read soon.
#ifndef COREINFER_CUDA_PREFETCH_H_
#define COREINFER_CUDA_PREFETCH_H_

#include <cstdint>

#include "device.h"

namespace coreinfer {

/// Fetches memory into L2, one thread for all of it. address and bytes are multiples of 16.
__device__ __forceinline__ void PrefetchToL2(const uint8_t* address, int64_t bytes) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(__cvta_generic_to_global(address)),
               "r"(static_cast<unsigned>(bytes))
               : "memory");
#elif defined(__CUDA_ARCH__)
  for (int64_t i = 0; i < bytes; i += 64) {
    asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(address + i)));
  }
#else
  static_cast<void>(address);
  static_cast<void>(bytes);
#endif
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_PREFETCH_H_
