// Dot products of many rows with one vector: the part of decode that reads most of a model.
//
// A block keeps the vector in shared memory and takes pairs of rows, which share the reads of it. A pair is cut into
// parts of kDotDepth chunks per lane (2 KB of each row per warp), and warps take parts in turn, so that few rows occupy
// all warps too. Each lane holds the chunks of one part: as soon as one is used, the chunk at its place in the warp's
// next part is loaded over it. So nearly always 2 rows * 4 chunks * 16 bytes * 512 threads = 64 KB are on their way to
// each multiprocessor. An H100 needs its bandwidth times its latency, 3.35 TB/s / 132 * 1 us = 25 KB, when it is busy.
#ifndef COREINFER_CUDA_DOTS_H_
#define COREINFER_CUDA_DOTS_H_

#include "rows.h"

namespace coreinfer {

constexpr int kDotThreads = 512;
constexpr int kDotWarps = kDotThreads / kWarpThreads;
constexpr int kDotDepth = 4;

/// Columns of a part.
__host__ __device__ __forceinline__ int PartColumns(int32_t dtype) {
  const int elements = dtype == CI_F32 ? 4 : dtype == CI_Q8_0 ? 16 : dtype == CI_Q4_0 ? 32 : 8;
  return kDotDepth * kWarpThreads * elements;
}

/// Parts of a row.
__host__ __device__ __forceinline__ int PartsOf(int32_t dtype, int32_t columns) {
  return (columns - 1) / PartColumns(dtype) + 1;
}

/// The vector's floats in shared memory: whole parts.
__host__ __device__ __forceinline__ int64_t StagedFloats(int32_t dtype, int32_t columns) {
  return int64_t{PartsOf(dtype, columns)} * PartColumns(dtype);
}

/// Copies the vector to shared memory, zeros behind it. Quad k, of a lane's kQuads per chunk, goes where the eight lanes
/// that are served together find their quads in different banks. columns is a multiple of 4, x aligned to 16.
template <int kDtype>
__device__ __forceinline__ void StageVector(const float* __restrict__ x, int columns, float4* staged) {
  constexpr int kQuads = Chunk<kDtype>::kElements / 4;
  const int quads = static_cast<int>(StagedFloats(kDtype, columns) / 4);
  for (int k = static_cast<int>(threadIdx.x); k < quads; k += kDotThreads) {
    const float4 quad = k < columns / 4 ? __ldg(reinterpret_cast<const float4*>(x) + k) : make_float4(0, 0, 0, 0);
    staged[k ^ (k >> 3 & (kQuads - 1))] = quad;
  }
}

struct RowPair {
  const uint8_t* q[2];
  const uint8_t* d[2];
};

/// The walk of one warp over its parts. Pairs::At(pair) gives a RowPair; results go to dots (2 * pairs, parts), whose
/// sums over the parts are the dot products (SumOfParts). Start loads the first part; between it and Finish the block
/// stages the vector and waits. Columns are a multiple of a chunk.
template <int kDtype, class Pairs>
class DotWalk {
 public:
  __device__ __forceinline__ DotWalk(const Pairs& pairs, int count, int columns)
      : pairs_(pairs),
        chunks_(columns / kElements),
        parts_(PartsOf(kDtype, columns)),
        units_(count * parts_),
        unit_(static_cast<int>(threadIdx.x) / kWarpThreads),
        lane_(static_cast<int>(threadIdx.x) % kWarpThreads) {}

  __device__ __forceinline__ void Start() {
    if (unit_ >= units_) return;
    const RowPair rows = pairs_.At(unit_ / parts_);
#pragma unroll
    for (int k = 0; k < kDotDepth; ++k) LoadBoth(rows, unit_ % parts_, k);
  }

  __device__ __forceinline__ void Finish(const float4* __restrict__ staged, float* dots) {
    if (unit_ >= units_) return;
    while (unit_ + kDotWarps < units_) TakePart<true>(staged, dots);
    TakePart<false>(staged, dots);
  }

 private:
  static constexpr int kElements = Chunk<kDtype>::kElements;
  static constexpr int kQuads = kElements / 4;

  template <bool kGoesOn>
  __device__ __forceinline__ void TakePart(const float4* __restrict__ staged, float* dots) {
    const int pair = unit_ / parts_;
    const int part = unit_ % parts_;
    unit_ += kDotWarps;
    RowPair rows;
    if (kGoesOn) rows = pairs_.At(unit_ / parts_);
    float sums[2] = {0.0f, 0.0f};
#pragma unroll
    for (int k = 0; k < kDotDepth; ++k) {
      const int chunk = (part * kDotDepth + k) * kWarpThreads;
      if (k == 0 || chunk < chunks_) AddProducts(k, staged + (chunk + lane_) * kQuads, sums);  // the whole warp does
      if (kGoesOn) LoadBoth(rows, unit_ % parts_, k);
    }
    // Lanes 0..15 go on with the first row's sum, the others with the second's.
    const bool upper = lane_ >= kWarpThreads / 2;
    float sum = upper ? sums[1] : sums[0];
    sum += __shfl_xor_sync(kWholeWarp, upper ? sums[0] : sums[1], kWarpThreads / 2);
#pragma unroll
    for (int lanes = kWarpThreads / 4; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, lanes);
    if (lane_ % (kWarpThreads / 2) == 0) dots[(2 * pair + (upper ? 1 : 0)) * parts_ + part] = sum;
  }

  // Lanes past the row's end get its last chunk; the vector is 0 there.
  __device__ __forceinline__ void LoadBoth(const RowPair& rows, int part, int k) {
    const int chunk = min((part * kDotDepth + k) * kWarpThreads + lane_, chunks_ - 1);
#pragma unroll
    for (int which = 0; which < 2; ++which) chunks_of_[which][k].Load(rows.q[which], rows.d[which], chunk);
  }

  __device__ __forceinline__ void AddProducts(int k, const float4* x, float* sums) {
    const int mask = lane_ * kQuads >> 3 & (kQuads - 1);
    float products[2] = {0.0f, 0.0f};
#pragma unroll
    for (int j = 0; j < kQuads; ++j) {
      const float4 quad = x[j ^ mask];
#pragma unroll
      for (int which = 0; which < 2; ++which) {
        const float4 w = chunks_of_[which][k].Quad(j);
        products[which] = fmaf(w.x, quad.x, products[which]);
        products[which] = fmaf(w.y, quad.y, products[which]);
        products[which] = fmaf(w.z, quad.z, products[which]);
        products[which] = fmaf(w.w, quad.w, products[which]);
      }
    }
#pragma unroll
    for (int which = 0; which < 2; ++which) {
      sums[which] = fmaf(chunks_of_[which][k].Scale(), products[which], sums[which]);
    }
  }

  const Pairs& pairs_;
  const int chunks_;
  const int parts_;
  const int units_;
  int unit_;
  const int lane_;
  Chunk<kDtype> chunks_of_[2][kDotDepth];
};

/// A row's dot product. Reads what other warps wrote: a barrier stands between.
__device__ __forceinline__ float SumOfParts(const float* dots, int row, int parts) {
  float sum = dots[row * parts];
  for (int part = 1; part < parts; ++part) sum += dots[row * parts + part];
  return sum;
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_DOTS_H_
