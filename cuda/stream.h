// How weights, which are read once per token, come from device memory: copied by the hardware into rings in shared
// memory while a thread computes. A thread reads only what it copied itself, so no barrier is needed. Before sm_80
// there are no such copies: plain ones.
#ifndef COREINFER_CUDA_STREAM_H_
#define COREINFER_CUDA_STREAM_H_

#include <cstdint>

#include "device.h"

namespace coreinfer {

/// How many groups of copies may be on their way: a power of two up to kMostDepth.
constexpr int kMostDepth = 8;

/// Starts a copy of kBytes (4, 8 or 16) aligned bytes. It has no cache hint: with one, ptxas 13.0 makes an illegal
/// instruction of copies to addresses that are uniform but for an offset.
template <int kBytes>
__device__ __forceinline__ void AsyncCopy(uint8_t* shared, const uint8_t* global) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const auto target = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const size_t source = __cvta_generic_to_global(global);
  if constexpr (kBytes == 16) {  // past L1
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(target), "l"(source) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(target), "l"(source), "n"(kBytes) : "memory");
  }
#elif defined(__CUDA_ARCH__)
  if constexpr (kBytes == 16) {
    *reinterpret_cast<uint4*>(shared) = __ldcs(reinterpret_cast<const uint4*>(global));
  } else if constexpr (kBytes == 8) {
    *reinterpret_cast<uint2*>(shared) = __ldcs(reinterpret_cast<const uint2*>(global));
  } else {
    *reinterpret_cast<unsigned*>(shared) = __ldcs(reinterpret_cast<const unsigned*>(global));
  }
#elif !defined(__CUDACC__)
  simt::CopyAsync(shared, global, kBytes);
#endif
}

/// Ends the group of the copies that the thread started since the last call.
__device__ __forceinline__ void CommitCopies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#elif !defined(__CUDACC__)
  simt::CommitCopies();
#endif
}

/// Waits for all of the thread's groups but the kLeft latest.
template <int kLeft>
__device__ __forceinline__ void WaitForCopies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
#elif !defined(__CUDACC__)
  simt::WaitForCopies(kLeft);
#endif
}

/// Waits for the oldest of `depth` groups.
__device__ __forceinline__ void WaitForOldest(int depth) {
  if (depth > 4) {
    WaitForCopies<7>();
  } else if (depth > 2) {
    WaitForCopies<3>();
  } else if (depth > 1) {
    WaitForCopies<1>();
  } else {
    WaitForCopies<0>();
  }
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
