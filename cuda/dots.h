// Dot products of many rows with one vector: the part of decode that reads most of a model.
//
// A block keeps the vector in shared memory and takes pairs of rows, which share the reads of it, in pieces of 1 KB
// of each row. Every warp has an equal run of all the pieces, so that few rows occupy all warps too, and a ring
// of `depth` slots in shared memory, each for a piece of both rows: while one is multiplied, the others are on their
// way. So 16 warps * 4 slots * 2 KB = 128 KB are under way to each multiprocessor that has so much shared memory. An
// H100 needs bandwidth * latency = 3.35 TB/s / 132 * 1 us = 25 KB of them: it does not wait for warps that are busy.
// A warp must be done with a slot in 16 * 2 KB / (3.35 TB/s / 132) = 1.3 us, so its instructions must overlap: hence
// two chunks of two rows at once.
#ifndef COREINFER_CUDA_DOTS_H_
#define COREINFER_CUDA_DOTS_H_

#include "staged_vector.h"
#include "stream.h"

namespace coreinfer {

/// The floats that a block's walks over `rows` rows leave in shared memory.
__host__ __device__ __forceinline__ int64_t DotFloats(int64_t rows) { return rows + 1 + 2 * kDotWarps; }

/// Bytes of a piece.
constexpr int kPieceBytes = kLaneChunks * kWarpThreads * 16;

/// Bytes of the scales of a piece.
__host__ __device__ constexpr int PieceScaleBytes(int32_t dtype) {
  return kLaneChunks * (dtype == CI_Q8_0 ? 32 : dtype == CI_Q4_0 ? 64 : 0);
}

/// Bytes of a warp's slot: a piece of two rows.
__host__ __device__ constexpr int SlotBytes(int32_t dtype) { return 2 * (kPieceBytes + PieceScaleBytes(dtype)); }

/// The deepest rings of dots.
constexpr int kMostDotDepth = 4;

/// Bytes of a warp's ring.
__host__ __device__ __forceinline__ int RingBytes(int32_t dtype, int depth) { return depth * SlotBytes(dtype); }

/// The calling block's equal share of `items` items: first..first + count - 1.
struct Share {
  int first;
  int count;
};

__device__ __forceinline__ Share ShareOf(int items) {
  const int block = static_cast<int>(blockIdx.x);
  const int least = items / static_cast<int>(gridDim.x);
  const int with_one_more = items % static_cast<int>(gridDim.x);
  return {block * least + min(block, with_one_more), least + (block < with_one_more ? 1 : 0)};
}

struct RowPair {
  const uint8_t* q[2];
  const uint8_t* d[2];
};

/// How the pieces of `pairs` pairs are divided among warps. The sum of the share that one warp has of a pair stands at
/// place pair + warp of an array: in the order of the pieces one of them grows, or both, so no place is used twice.
struct Division {
  int pieces;  // of a row
  int total;

  // 32 bits do: a row has at most as many pieces as fit into shared memory.
  __device__ __forceinline__ int Begin(int warp) const { return total * warp / kDotWarps; }

  /// The warp that has a piece.
  __device__ __forceinline__ int Owner(int piece) const {
    return static_cast<int>((static_cast<unsigned>(piece + 1) * kDotWarps - 1) / static_cast<unsigned>(total));
  }

  /// The dot product of a row; a barrier stands between the walks and this.
  __device__ __forceinline__ float Dot(const float* dots, int row) const {
    const int pair = row / 2;
    const int last = Owner((pair + 1) * pieces - 1);
    float sum = 0.0f;
    for (int warp = Owner(pair * pieces); warp <= last; ++warp) {
      const bool has_pieces = Begin(warp) < Begin(warp + 1);  // not so where there are more warps than pieces
      if (has_pieces) sum += dots[2 * (pair + warp) + row % 2];
    }
    return sum;
  }
};

/// One warp's walk. Pairs::At(pair) gives a RowPair. Start sends for the first pieces; between it and Finish the block
/// stages the vector and waits.
template <int kDtype, class Pairs>
class DotWalk {
 public:
  __device__ __forceinline__ DotWalk(const Pairs& pairs, int count, int columns, uint8_t* rings, int depth)
      : pairs_(pairs),
        division_{PiecesOf(kDtype, columns), PiecesOf(kDtype, columns) * count},
        warp_(static_cast<int>(threadIdx.x) / kWarpThreads),
        lane_(static_cast<int>(threadIdx.x) % kWarpThreads),
        chunks_(columns / kElements),
        depth_(depth),
        ring_(rings + warp_ * depth * kSlotBytes),
        next_(division_.Begin(warp_)),
        end_(division_.Begin(warp_ + 1)) {}

  __device__ __forceinline__ void Start() {
    ahead_ = next_;
    piece_ahead_ = next_ % division_.pieces;
    pair_ahead_ = next_ / division_.pieces;
    PointAhead();
    for (int slot = 0; slot < depth_; ++slot) SendFor(slot);
  }

  __device__ __forceinline__ void Finish(const StagedVector<kDtype>& x, float* dots) {
    int piece = next_ % division_.pieces;
    int pair = next_ / division_.pieces;
    int slot = 0;
    float sums[2] = {0.0f, 0.0f};
    for (; next_ < end_; ++next_) {
      WaitForOldest(depth_);
      if (kIsGrouped) __syncwarp();  // a lane's scales were copied by others
      AddProducts(slot, x, piece, sums);
      if (kIsGrouped) __syncwarp();
      SendFor(slot);
      slot = slot + 1 == depth_ ? 0 : slot + 1;
      if (++piece < division_.pieces && next_ + 1 < end_) continue;
      StoreSums(sums, &dots[2 * (pair + warp_)]);
      sums[0] = 0.0f;
      sums[1] = 0.0f;
      piece = 0;
      ++pair;
    }
    WaitForCopies<0>();
  }

  __device__ __forceinline__ const Division& division() const { return division_; }

 private:
  static constexpr int kElements = ChunkElements(kDtype);
  static constexpr int kSlotBytes = SlotBytes(kDtype);
  static constexpr bool kIsGrouped = kDtype == CI_Q8_0 || kDtype == CI_Q4_0;
  static constexpr int kScaleWords = kIsGrouped ? PieceScaleBytes(kDtype) / 4 : 1;  // two scales each

  __device__ __forceinline__ void PointAhead() {
    if (ahead_ >= end_) return;
    const RowPair rows = pairs_.At(pair_ahead_);
    q_[0] = rows.q[0];
    q_[1] = rows.q[1];
    d_[0] = rows.d[0];
    d_[1] = rows.d[1];
  }

  // Sends for the next piece of both rows, if there is one. Chunks past a row's end are its last one: x is 0 there.
  __device__ __forceinline__ void SendFor(int slot) {
    if (ahead_ < end_) {
      uint8_t* target = ring_ + slot * kSlotBytes;
#pragma unroll
      for (int c = 0; c < kLaneChunks; ++c) {
        const int place = c * kWarpThreads + lane_;
        const int64_t at = 16 * int64_t{min(piece_ahead_ * kLaneChunks * kWarpThreads + place, chunks_ - 1)};
        AsyncCopy<16>(target + place * 16, q_[0] + at);
        AsyncCopy<16>(target + kPieceBytes + place * 16, q_[1] + at);
      }
      if (kIsGrouped) SendForScales(target + 2 * kPieceBytes);
      ++ahead_;
      if (++piece_ahead_ == division_.pieces) {
        piece_ahead_ = 0;
        ++pair_ahead_;
        PointAhead();
      }
    }
    CommitCopies();
  }

  // Word by word, two scales each: those of the first row, then those of the second.
  __device__ __forceinline__ void SendForScales(uint8_t* target) {
#pragma unroll
    for (int word = lane_; word < 2 * kScaleWords; word += kWarpThreads) {
      const int at = min(piece_ahead_ * kScaleWords + word % kScaleWords, chunks_ * kElements / 64 - 1);
      AsyncCopy<4>(target + word * 4, (word < kScaleWords ? d_[0] : d_[1]) + 4 * int64_t{at});
    }
  }

  __device__ __forceinline__ void AddProducts(int slot, const StagedVector<kDtype>& x, int piece, float* sums) const {
    const uint8_t* q = ring_ + slot * kSlotBytes;
#pragma unroll
    for (int c = 0; c < kLaneChunks; ++c) {
      const int place = c * kWarpThreads + lane_;
      const uint4 words[2] = {*reinterpret_cast<const uint4*>(q + place * 16),
                              *reinterpret_cast<const uint4*>(q + kPieceBytes + place * 16)};
      float scales[2] = {1.0f, 1.0f};
      if (kIsGrouped) {
        const auto* d = reinterpret_cast<const uint16_t*>(q + 2 * kPieceBytes);
        const int group = kDtype == CI_Q8_0 ? place / 2 : place;
        scales[0] = HalfToFloat(d[group]);
        scales[1] = HalfToFloat(d[2 * kScaleWords + group]);
      }
      x.Add(words, scales, piece * kLaneChunks * kWarpThreads + place, sums);
    }
  }

  // Both rows' sums over the lanes: lanes 0..15 go on with the first row's, the others with the second's.
  __device__ __forceinline__ void StoreSums(const float* sums, float* dots) const {
    const bool is_upper = lane_ >= kWarpThreads / 2;
    float sum = is_upper ? sums[1] : sums[0];
    sum += __shfl_xor_sync(kWholeWarp, is_upper ? sums[0] : sums[1], kWarpThreads / 2);
#pragma unroll
    for (int lanes = kWarpThreads / 4; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, lanes);
    if (lane_ % (kWarpThreads / 2) == 0) dots[is_upper ? 1 : 0] = sum;
  }

  const Pairs& pairs_;
  const Division division_;
  const int warp_;
  const int lane_;
  const int chunks_;
  const int depth_;
  uint8_t* const ring_;
  int next_;  // the piece to multiply, of all the block's
  const int end_;
  int ahead_ = 0;  // the piece to send for
  int piece_ahead_ = 0;
  int pair_ahead_ = 0;
  // pair_ahead_'s rows, and their scales.
  const uint8_t* q_[2] = {nullptr, nullptr};
  const uint8_t* d_[2] = {nullptr, nullptr};
};

}  // namespace coreinfer

#endif  // COREINFER_CUDA_DOTS_H_
