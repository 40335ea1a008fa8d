// Loads and prefetches of weights, which are read once per token: they leave the caches first, so that vectors and
// neuron lists stay. The loads stay where they are written: the compiler would move plain ones to where their results
// are used, and nothing would be on its way meanwhile.
#ifndef COREINFER_CUDA_STREAM_H_
#define COREINFER_CUDA_STREAM_H_

#include <cstdint>

#include "device.h"

namespace coreinfer {

__device__ __forceinline__ uint4 LoadStreamed16(const uint8_t* address) {
#ifdef __CUDA_ARCH__
  uint4 words;
  asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
               : "l"(__cvta_generic_to_global(address)));
  return words;
#else
  return *reinterpret_cast<const uint4*>(address);
#endif
}

__device__ __forceinline__ uint2 LoadStreamed8(const uint8_t* address) {
#ifdef __CUDA_ARCH__
  uint2 words;
  asm volatile("ld.global.cs.v2.u32 {%0, %1}, [%2];"
               : "=r"(words.x), "=r"(words.y)
               : "l"(__cvta_generic_to_global(address)));
  return words;
#else
  return *reinterpret_cast<const uint2*>(address);
#endif
}

__device__ __forceinline__ unsigned LoadStreamed4(const uint8_t* address) {
#ifdef __CUDA_ARCH__
  unsigned word;
  asm volatile("ld.global.cs.u32 %0, [%1];" : "=r"(word) : "l"(__cvta_generic_to_global(address)));
  return word;
#else
  return *reinterpret_cast<const unsigned*>(address);
#endif
}

__device__ __forceinline__ uint16_t LoadStreamed2(const uint8_t* address) {
#ifdef __CUDA_ARCH__
  uint16_t half;
  asm volatile("ld.global.cs.u16 %0, [%1];" : "=h"(half) : "l"(__cvta_generic_to_global(address)));
  return half;
#else
  return *reinterpret_cast<const uint16_t*>(address);
#endif
}

/// Fetches memory into L2, one thread for all of it: a hint. address and bytes are multiples of 16.
__device__ __forceinline__ void PrefetchToL2(const uint8_t* address, int64_t bytes) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(__cvta_generic_to_global(address)),
               "r"(static_cast<unsigned>(bytes)));
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

#endif  // COREINFER_CUDA_STREAM_H_
