// Dot products of many rows with one vector: the part of decode that reads most of a model.
//
// A block keeps the vector in shared memory and takes pairs of rows, which share the reads of it. A pair is cut into
// parts of some pieces, 512 bytes of each row; warps take parts in turn, so that few rows occupy all warps too. Each
// warp has a ring of `depth` slots in shared memory, each for a piece of both rows: while one is multiplied, the others
// are on their way. So 16 warps * 8 slots * 1 KB = 128 KB are under way to each multiprocessor, where there is so much
// shared memory. An H100 needs bandwidth * latency = 3.35 TB/s / 132 * 1 us = 25 KB when it is busy: it never waits for
// a warp.
#ifndef COREINFER_CUDA_DOTS_H_
#define COREINFER_CUDA_DOTS_H_

#include "rows.h"
#include "stream.h"

namespace coreinfer {

constexpr int kDotThreads = 512;
constexpr int kDotWarps = kDotThreads / kWarpThreads;

/// Elements of 16 bytes.
__host__ __device__ constexpr int ChunkElements(int32_t dtype) {
  return dtype == CI_F32 ? 4 : dtype == CI_Q8_0 ? 16 : dtype == CI_Q4_0 ? 32 : 8;
}

/// Pieces of a part: 512 columns, or 1024 of Q4_0.
__host__ __device__ constexpr int PartPieces(int32_t dtype) {
  return dtype == CI_F32 ? 4 : dtype == CI_F16 || dtype == CI_BF16 ? 2 : 1;
}

__host__ __device__ constexpr int PartColumns(int32_t dtype) {
  return PartPieces(dtype) * kWarpThreads * ChunkElements(dtype);
}

/// Parts of a row.
__host__ __device__ __forceinline__ int PartsOf(int32_t dtype, int32_t columns) {
  return (columns - 1) / PartColumns(dtype) + 1;
}

/// The vector's floats in shared memory: whole parts.
__host__ __device__ __forceinline__ int64_t StagedFloats(int32_t dtype, int32_t columns) {
  return int64_t{PartsOf(dtype, columns)} * PartColumns(dtype);
}

/// Bytes of a warp's slot: a piece of two rows and, of grouped dtypes, a pair of scales per lane.
__host__ __device__ constexpr int SlotBytes(int32_t dtype) { return 2 * kWarpThreads * (dtype < CI_Q8_0 ? 16 : 20); }

/// Bytes of all warps' rings.
__host__ __device__ __forceinline__ int64_t RingBytes(int32_t dtype, int depth) {
  return int64_t{kDotWarps} * depth * SlotBytes(dtype);
}

/// Copies the vector to shared memory, zeros behind it. Quad k, of a lane's kQuads per chunk, goes where the eight
/// lanes that are served together find their quads in different banks. columns is a multiple of 4, x aligned to 16.
template <int kDtype>
__device__ __forceinline__ void StageVector(const float* __restrict__ x, int columns, float4* staged) {
  constexpr int kQuads = ChunkElements(kDtype) / 4;
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
/// sums over the parts are the dot products (SumOfParts). Start sends for the first pieces; between it and Finish the
/// block stages the vector and waits.
template <int kDtype, class Pairs>
class DotWalk {
 public:
  __device__ __forceinline__ DotWalk(const Pairs& pairs, int count, int columns, uint8_t* rings, int depth)
      : pairs_(pairs),
        count_(count),
        chunks_(columns / kElements),
        parts_(PartsOf(kDtype, columns)),
        depth_(depth),
        lane_(static_cast<int>(threadIdx.x) % kWarpThreads),
        ring_(rings + static_cast<int>(threadIdx.x) / kWarpThreads * depth * kSlotBytes),
        policy_(StreamPolicy()) {
    const int warp = static_cast<int>(threadIdx.x) / kWarpThreads;
    here_ = {warp / parts_, warp % parts_};
    ahead_ = here_;
    step_ = {kDotWarps / parts_, kDotWarps % parts_};
  }

  __device__ __forceinline__ void Start() {
    if (ahead_.pair < count_) rows_ = pairs_.At(ahead_.pair);
    for (int slot = 0; slot < depth_; ++slot) SendFor(slot);
  }

  __device__ __forceinline__ void Finish(const float4* __restrict__ staged, float* dots) {
    int slot = 0;
    for (; here_.pair < count_; Advance(&here_)) {
      float sums[2] = {0.0f, 0.0f};
#pragma unroll
      for (int piece = 0; piece < kPieces; ++piece) {
        WaitForOldest(depth_);
        const int chunk = (here_.part * kPieces + piece) * kWarpThreads;
        if (chunk < chunks_) AddProducts(slot, staged + (chunk + lane_) * kQuads, sums);  // the whole warp does
        SendFor(slot);
        slot = slot + 1 == depth_ ? 0 : slot + 1;
      }
      // Lanes 0..15 go on with the first row's sum, the others with the second's.
      const bool upper = lane_ >= kWarpThreads / 2;
      float sum = upper ? sums[1] : sums[0];
      sum += __shfl_xor_sync(kWholeWarp, upper ? sums[0] : sums[1], kWarpThreads / 2);
#pragma unroll
      for (int lanes = kWarpThreads / 4; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, lanes);
      if (lane_ % (kWarpThreads / 2) == 0) dots[(2 * here_.pair + (upper ? 1 : 0)) * parts_ + here_.part] = sum;
    }
    WaitForCopies<0>();
  }

 private:
  static constexpr int kElements = ChunkElements(kDtype);
  static constexpr int kQuads = kElements / 4;
  static constexpr int kPieces = PartPieces(kDtype);
  static constexpr int kSlotBytes = SlotBytes(kDtype);
  static constexpr bool kIsGrouped = kDtype == CI_Q8_0 || kDtype == CI_Q4_0;

  struct Place {
    int pair;
    int part;
  };

  // To the warp's next part.
  __device__ __forceinline__ void Advance(Place* place) const {
    place->pair += step_.pair;
    place->part += step_.part;
    if (place->part < parts_) return;
    place->part -= parts_;
    ++place->pair;
  }

  // Sends for the next piece of both rows, if there is one. Lanes past a row's end get its last chunk: x is 0 there.
  __device__ __forceinline__ void SendFor(int slot) {
    if (ahead_.pair < count_) {
      const int chunk = min((ahead_.part * kPieces + piece_ahead_) * kWarpThreads + lane_, chunks_ - 1);
      uint8_t* q = ring_ + slot * kSlotBytes + lane_ * 16;
#pragma unroll
      for (int which = 0; which < 2; ++which) {
        AsyncCopy<16>(q + which * kWarpThreads * 16, rows_.q[which] + 16 * int64_t{chunk}, policy_);
        if (kIsGrouped) {
          uint8_t* d = ring_ + slot * kSlotBytes + (2 * 16 + which * 4) * kWarpThreads + lane_ * 4;
          AsyncCopy<4>(d, rows_.d[which] + (kDtype == CI_Q8_0 ? chunk / 4 : chunk / 2) * 4, policy_);
        }
      }
      if (++piece_ahead_ == kPieces) {
        piece_ahead_ = 0;
        Advance(&ahead_);
        if (ahead_.pair < count_) rows_ = pairs_.At(ahead_.pair);
      }
    }
    CommitCopies();
  }

  __device__ __forceinline__ void AddProducts(int slot, const float4* x, float* sums) const {
    const int mask = lane_ * kQuads >> 3 & (kQuads - 1);
    const uint8_t* q = ring_ + slot * kSlotBytes + lane_ * 16;
    const Chunk<kDtype> chunks[2] = {{*reinterpret_cast<const uint4*>(q)},
                                     {*reinterpret_cast<const uint4*>(q + kWarpThreads * 16)}};
    float products[2] = {0.0f, 0.0f};
#pragma unroll
    for (int j = 0; j < kQuads; ++j) {
      const float4 quad = x[j ^ mask];
#pragma unroll
      for (int which = 0; which < 2; ++which) {
        const float4 w = chunks[which].Quad(j);
        products[which] = fmaf(w.x, quad.x, products[which]);
        products[which] = fmaf(w.y, quad.y, products[which]);
        products[which] = fmaf(w.z, quad.z, products[which]);
        products[which] = fmaf(w.w, quad.w, products[which]);
      }
    }
#pragma unroll
    for (int which = 0; which < 2; ++which) {
      sums[which] =
          kIsGrouped ? fmaf(ScaleIn(slot, which), products[which], sums[which]) : sums[which] + products[which];
    }
  }

  // A chunk of Q4_0 has one scale, two chunks of Q8_0 share one; a slot holds them in pairs.
  __device__ __forceinline__ float ScaleIn(int slot, int which) const {
    const uint8_t* d = ring_ + slot * kSlotBytes + (2 * 16 + which * 4) * kWarpThreads + lane_ * 4;
    const int odd = (kDtype == CI_Q8_0 ? lane_ / 2 : lane_) % 2;
    return HalfToFloat(static_cast<uint16_t>(*reinterpret_cast<const unsigned*>(d) >> (16 * odd)));
  }

  const Pairs& pairs_;
  const int count_;
  const int chunks_;
  const int parts_;
  const int depth_;
  const int lane_;
  uint8_t* const ring_;
  const uint64_t policy_;
  Place step_;
  Place here_;
  Place ahead_;
  int piece_ahead_ = 0;
  RowPair rows_ = {};  // of ahead_
};

/// A row's dot product. Reads what other warps wrote: a barrier stands between.
__device__ __forceinline__ float SumOfParts(const float* dots, int row, int parts) {
  float sum = dots[row * parts];
  for (int part = 1; part < parts; ++part) sum += dots[row * parts + part];
  return sum;
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_DOTS_H_
