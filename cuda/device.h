// What kernels share: the warp, sums and maxima over warps and blocks in a fixed order, loads of 16-bit floats.
#ifndef COREINFER_CUDA_DEVICE_H_
#define COREINFER_CUDA_DEVICE_H_

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace coreinfer {

constexpr int kWarpThreads = 32;
constexpr unsigned kWholeWarp = 0xffffffffu;

/// The block's dynamic shared memory, aligned to 128 bytes: an asynchronous copy of a sector of 32 bytes to where it
/// crosses a boundary of 32 reads the sector twice.
template <class T>
__device__ __forceinline__ T* DynamicShared() {
#ifdef __CUDACC__
  extern __shared__ __align__(128) unsigned char dynamic_shared[];
  return reinterpret_cast<T*>(dynamic_shared);
#else
  return static_cast<T*>(simt::DynamicShared());
#endif
}

/// The sum over the warp, the same bits in every lane.
template <class T>
__device__ __forceinline__ T WarpSum(T value) {
  for (int lanes = kWarpThreads / 2; lanes > 0; lanes /= 2) value += __shfl_xor_sync(kWholeWarp, value, lanes);
  return value;
}

/// The largest over the warp, in every lane. A NaN counts as nothing.
__device__ __forceinline__ float WarpMax(float value) {
  for (int lanes = kWarpThreads / 2; lanes > 0; lanes /= 2) {
    value = fmaxf(value, __shfl_xor_sync(kWholeWarp, value, lanes));
  }
  return value;
}

/// The sum over a block of kThreads threads in one dimension, the same bits in all of them. Every thread must call it.
template <int kThreads, class T>
__device__ __forceinline__ T BlockSum(T value) {
  static_assert(kThreads % kWarpThreads == 0 && kThreads <= 1024);
  __shared__ T sums[kThreads / kWarpThreads];
  value = WarpSum(value);
  __syncthreads();  // the sums of an earlier call were read
  if (threadIdx.x % kWarpThreads == 0) sums[threadIdx.x / kWarpThreads] = value;
  __syncthreads();
  T total = sums[0];
  for (int warp = 1; warp < kThreads / kWarpThreads; ++warp) total += sums[warp];
  return total;
}

/// The largest over a block, likewise.
template <int kThreads>
__device__ __forceinline__ float BlockMax(float value) {
  static_assert(kThreads % kWarpThreads == 0 && kThreads <= 1024);
  __shared__ float largest[kThreads / kWarpThreads];
  value = WarpMax(value);
  __syncthreads();
  if (threadIdx.x % kWarpThreads == 0) largest[threadIdx.x / kWarpThreads] = value;
  __syncthreads();
  value = largest[0];
  for (int warp = 1; warp < kThreads / kWarpThreads; ++warp) value = fmaxf(value, largest[warp]);
  return value;
}

__device__ __forceinline__ float ToFloat(float x) { return x; }
__device__ __forceinline__ float ToFloat(__half x) { return __half2float(x); }
__device__ __forceinline__ float ToFloat(__nv_bfloat16 x) { return __bfloat162float(x); }

__device__ __forceinline__ float HalfToFloat(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
__device__ __forceinline__ float BfloatToFloat(uint16_t bits) {
  return __uint_as_float(static_cast<unsigned>(bits) << 16);
}

/// Whether an address permits loads of `bytes` bytes, a power of two.
__host__ __device__ __forceinline__ bool IsAligned(const void* address, int bytes) {
  return reinterpret_cast<uintptr_t>(address) % static_cast<unsigned>(bytes) == 0;
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_DEVICE_H_
