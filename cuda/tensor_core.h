// Products of small matrices of halves on tensor cores, and the loads that feed them. The device's instructions by
// name; for the host build the same by definition (PTX ISA, "Matrix multiply-accumulate"), with shuffles in place of
// the exchange between lanes.
//
// Lane l of a warp holds, with row = l / 4 and pair = l % 4 * 2:
//   A (16 x 16)  a[0]: row, columns pair, pair + 1;  a[1]: row + 8, the same columns;  a[2], a[3]: the same rows,
//                columns pair + 8, pair + 9
//   B (16 x 8)   b[0]: rows pair, pair + 1 of column l / 4;  b[1]: rows pair + 8, pair + 9
//   C (16 x 8)   c[0], c[1]: row, columns pair, pair + 1;  c[2], c[3]: row + 8
#ifndef COREINFER_CUDA_TENSOR_CORE_H_
#define COREINFER_CUDA_TENSOR_CORE_H_

#include "device.h"

namespace coreinfer {

__device__ __forceinline__ uint32_t PackHalves(__half low, __half high) {
  return static_cast<uint32_t>(__half_as_ushort(high)) << 16 | __half_as_ushort(low);
}

#ifdef __CUDA_ARCH__

/// C += A B.
__device__ __forceinline__ void MultiplyTile(const uint32_t (&a)[4], uint32_t b0, uint32_t b1, float (&c)[4]) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(b0));
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

/// Loads four 8 x 8 matrices of halves. Lane l names the address of row l % 8 of matrix l / 8, in shared memory, and
/// receives in parts[i] columns l % 4 * 2 and the next of row l / 4 of matrix i.
__device__ __forceinline__ void LoadMatrices(const __half* row, uint32_t (&parts)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(parts[0]), "=r"(parts[1]), "=r"(parts[2]), "=r"(parts[3])
               : "r"(address)
               : "memory");
}

/// The same, but lane l receives rows l % 4 * 2 and the next of column l / 4.
__device__ __forceinline__ void LoadTransposedMatrices(const __half* row, uint32_t (&parts)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(parts[0]), "=r"(parts[1]), "=r"(parts[2]), "=r"(parts[3])
               : "r"(address)
               : "memory");
}

#else

__device__ __forceinline__ uint64_t Pair(uint32_t low, uint32_t high) {
  return static_cast<uint64_t>(high) << 32 | low;
}

__device__ __forceinline__ void MultiplyTile(const uint32_t (&a)[4], uint32_t b0, uint32_t b1, float (&c)[4]) {
  const int lane = threadIdx.x % kWarpThreads;
  double sums[4] = {c[0], c[1], c[2], c[3]};
  // Four lanes hold a row of A, or a column of B.
  for (int source = 0; source < 4; ++source) {
    const uint64_t rows[2] = {__shfl_sync(kWholeWarp, Pair(a[0], a[2]), lane / 4 * 4 + source),
                              __shfl_sync(kWholeWarp, Pair(a[1], a[3]), lane / 4 * 4 + source)};
    const uint64_t columns[2] = {__shfl_sync(kWholeWarp, Pair(b0, b1), lane % 4 * 8 + source),
                                 __shfl_sync(kWholeWarp, Pair(b0, b1), lane % 4 * 8 + 4 + source)};
    for (int i = 0; i < 4; ++i) {
      for (int half = 0; half < 64; half += 16) {
        sums[i] += static_cast<double>(HalfToFloat(static_cast<uint16_t>(rows[i / 2] >> half))) *
                   HalfToFloat(static_cast<uint16_t>(columns[i % 2] >> half));
      }
    }
  }
  for (int i = 0; i < 4; ++i) c[i] = static_cast<float>(sums[i]);
}

__device__ __forceinline__ void LoadMatrices(const __half* row, uint32_t (&parts)[4]) {
  const int lane = threadIdx.x % kWarpThreads;
  for (int i = 0; i < 4; ++i) {
    const auto address = __shfl_sync(kWholeWarp, reinterpret_cast<uint64_t>(row), i * 8 + lane / 4);
    const auto* elements = reinterpret_cast<const __half*>(address) + lane % 4 * 2;
    parts[i] = PackHalves(elements[0], elements[1]);
  }
}

__device__ __forceinline__ void LoadTransposedMatrices(const __half* row, uint32_t (&parts)[4]) {
  const int lane = threadIdx.x % kWarpThreads;
  for (int i = 0; i < 4; ++i) {
    const auto first = __shfl_sync(kWholeWarp, reinterpret_cast<uint64_t>(row), i * 8 + lane % 4 * 2);
    const auto second = __shfl_sync(kWholeWarp, reinterpret_cast<uint64_t>(row), i * 8 + lane % 4 * 2 + 1);
    parts[i] =
        PackHalves(reinterpret_cast<const __half*>(first)[lane / 4], reinterpret_cast<const __half*>(second)[lane / 4]);
  }
}

#endif

/// Starts a copy of 16 bytes to shared memory (stream.h), of zeros where `is_used` is false. Both addresses are
/// aligned.
__device__ __forceinline__ void CopyOrZero(const void* from, bool is_used, void* shared) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(address), "l"(__cvta_generic_to_global(from)), "r"(is_used ? 16 : 0)
               : "memory");
#elif defined(__CUDACC__)
  *static_cast<uint4*>(shared) = is_used ? *static_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
#else
  if (is_used) {
    simt::CopyAsync(shared, from, sizeof(uint4));
  } else {
    *static_cast<uint4*>(shared) = make_uint4(0, 0, 0, 0);
  }
#endif
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_TENSOR_CORE_H_
