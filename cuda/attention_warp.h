// How a warp decodes: it takes a few positions at a time and never waits for other warps. Lanes hold 16 bytes of a row,
// keys and values of several positions are in flight together, dot products meet by shuffles in which each lane keeps
// the sums of fewer scores at every step, and a running softmax stays in registers.
#ifndef COREINFER_CUDA_ATTENTION_WARP_H_
#define COREINFER_CUDA_ATTENTION_WARP_H_

#include "attention.h"

namespace coreinfer {

__device__ __forceinline__ void Unpack(uint4 raw, float (&out)[4]) {
  out[0] = __uint_as_float(raw.x);
  out[1] = __uint_as_float(raw.y);
  out[2] = __uint_as_float(raw.z);
  out[3] = __uint_as_float(raw.w);
}

__device__ __forceinline__ void Unpack(uint4 raw, float (&out)[8]) {
  const unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = HalfToFloat(static_cast<uint16_t>(words[i]));
    out[2 * i + 1] = HalfToFloat(static_cast<uint16_t>(words[i] >> 16));
  }
}

// Sums every value over kLanes neighbouring lanes. Afterwards lane l of them holds the values from
// l * kValues / kLanes on in front; with more lanes than values, kLanes / kValues neighbours hold the same one.
template <int kValues, int kLanes>
__device__ __forceinline__ void SumToLanes(float* values, int lane) {
  if constexpr (kLanes > 1) {
    constexpr int kOther = kLanes / 2;
    constexpr int kKept = kValues > 1 ? kValues / 2 : 1;
    if constexpr (kValues == 1) {
      values[0] += __shfl_xor_sync(kWholeWarp, values[0], kOther);
    } else {
      const bool is_upper = (lane & kOther) != 0;
#pragma unroll
      for (int i = 0; i < kKept; ++i) {
        const float sent = is_upper ? values[i] : values[i + kKept];
        const float kept = is_upper ? values[i + kKept] : values[i];
        values[i] = kept + __shfl_xor_sync(kWholeWarp, sent, kOther);
      }
    }
    SumToLanes<kKept, kOther>(values, lane);
  }
}

// How a warp works: kLanes lanes share a row of the cache, each with kChunks pieces of 16 bytes, for kQueries heads.
template <class T, int kLanes_, int kChunks_, int kQueries_>
struct Shape {
  using Element = T;
  static constexpr int kLanes = kLanes_;
  static constexpr int kChunks = kChunks_;
  static constexpr int kQueries = kQueries_;
  static constexpr int kVector = 16 / static_cast<int>(sizeof(T));
  static constexpr int kElements = kVector * kChunks;            // of a row in a lane
  static constexpr int kColumns = kElements * kLanes;            // the most that a head may have
  static constexpr int kRows = kWarpThreads / kLanes;            // side by side in a warp
  static constexpr int kUnroll = kChunks < 4 ? 4 / kChunks : 1;  // rows of a lane in flight
  static constexpr int kStep = kUnroll * kRows;                  // positions that a warp takes at once
  static constexpr int kScores = kUnroll * kQueries;             // of a lane; score q * kUnroll + u is of query q
  static constexpr int kOwn = kScores > kLanes ? kScores / kLanes : 1;     // that a lane has after SumToLanes
  static constexpr int kShared = kScores < kLanes ? kLanes / kScores : 1;  // lanes that have the same one then
  static constexpr int kLanesOfQuery = kLanes / kQueries;
  // Blocks that a multiprocessor's registers hold.
  static constexpr int kBlocks = kQueries > 4 || kElements* kQueries > 32 ? 2 : 4;
  static_assert(kQueries <= kLanes && kOwn <= kUnroll);
};

// A warp's queries and their running softmax. Of its own scores' query a lane knows the largest score and the sum of
// the weights that it computed itself.
template <class S>
struct WarpState {
  float queries[S::kQueries][S::kElements];
  float sums[S::kQueries][S::kElements];
  float largest;
  float weight;
};

template <class S>
__device__ __forceinline__ int ColumnOf(int chunk) {
  return (chunk * S::kLanes + static_cast<int>(threadIdx.x) % S::kLanes) * S::kVector;
}

template <class S>
__device__ __forceinline__ void LoadQueries(const Attention& a, int first_head, int heads, WarpState<S>* state) {
  const float scale = a.scale * kLog2E;
#pragma unroll
  for (int q = 0; q < S::kQueries; ++q) {
#pragma unroll
    for (int e = 0; e < S::kElements; ++e) {
      const int column = ColumnOf<S>(e / S::kVector) + e % S::kVector;
      const bool is_used = q < heads && column < a.head_dim;
      const int64_t head = first_head + q;
      state->queries[q][e] = is_used ? a.queries[head * a.head_dim + column] * scale : 0.0f;
      state->sums[q][e] = 0.0f;
    }
  }
  state->largest = -INFINITY;
  state->weight = 0.0f;
}

// Reads kUnroll rows of a lane from a matrix of the cache; what lies beyond the row or the positions becomes 0.
template <class S>
__device__ __forceinline__ void LoadRows(const Attention& a, int64_t matrix, int64_t position, int64_t end,
                                         uint4 (&rows)[S::kUnroll][S::kChunks]) {
#pragma unroll
  for (int u = 0; u < S::kUnroll; ++u) {
    const int64_t own = position + u * S::kRows;
    const auto* row = CacheRow<const typename S::Element>(a.pages, a.head_dim, matrix, own < end ? own : end - 1);
#pragma unroll
    for (int c = 0; c < S::kChunks; ++c) {
      const int column = ColumnOf<S>(c);
      const bool is_used = own < end && column < a.head_dim;
      rows[u][c] = is_used ? __ldcs(reinterpret_cast<const uint4*>(row + column)) : make_uint4(0, 0, 0, 0);
    }
  }
}

template <class S>
__device__ __forceinline__ void UnpackRow(const uint4 (&row)[S::kChunks], float (&out)[S::kElements]) {
#pragma unroll
  for (int c = 0; c < S::kChunks; ++c) {
    float piece[S::kVector];
    Unpack(row[c], piece);
#pragma unroll
    for (int i = 0; i < S::kVector; ++i) out[c * S::kVector + i] = piece[i];
  }
}

// Takes the positions position..position + kStep - 1 up to `end` into the running softmax.
template <class S>
__device__ __forceinline__ void AttendStep(const Attention& a, int64_t kv_head, int64_t position, int64_t end,
                                           WarpState<S>* state) {
  const int lane = threadIdx.x % kWarpThreads;
  const int64_t own_row = position + lane / S::kLanes;
  uint4 keys[S::kUnroll][S::kChunks];
  uint4 values[S::kUnroll][S::kChunks];
  LoadRows<S>(a, kv_head, own_row, end, keys);
  LoadRows<S>(a, a.kv_heads + kv_head, own_row, end, values);
  float scores[S::kScores];
#pragma unroll
  for (int u = 0; u < S::kUnroll; ++u) {
    float key[S::kElements];
    UnpackRow<S>(keys[u], key);
#pragma unroll
    for (int q = 0; q < S::kQueries; ++q) {
      float sum = 0.0f;
#pragma unroll
      for (int e = 0; e < S::kElements; ++e) sum += state->queries[q][e] * key[e];
      scores[q * S::kUnroll + u] = sum;
    }
  }
  SumToLanes<S::kScores, S::kLanes>(scores, lane);

  const int first_score = lane % S::kLanes / S::kShared * S::kOwn;
  float largest = state->largest;
#pragma unroll
  for (int i = 0; i < S::kOwn; ++i) {
    const int64_t scored = own_row + (first_score + i) % S::kUnroll * S::kRows;
    if (scored >= end) scores[i] = -INFINITY;
    largest = fmaxf(largest, scores[i]);
  }
#pragma unroll
  for (int lanes = S::kLanesOfQuery / 2; lanes > 0; lanes /= 2) {
    largest = fmaxf(largest, __shfl_xor_sync(kWholeWarp, largest, lanes));
  }
#pragma unroll
  for (int lanes = S::kLanes; lanes < kWarpThreads; lanes *= 2) {
    largest = fmaxf(largest, __shfl_xor_sync(kWholeWarp, largest, lanes));
  }
  const bool has_grown = largest != state->largest;
  const float correction = has_grown ? exp2f(state->largest - largest) : 1.0f;
  state->largest = largest;
  state->weight *= correction;
#pragma unroll
  for (int i = 0; i < S::kOwn; ++i) {
    scores[i] = WeightOf(scores[i], largest);
    state->weight += scores[i];
  }

  const int first_lane = lane / S::kLanes * S::kLanes;
  if (__any_sync(kWholeWarp, has_grown)) {
#pragma unroll
    for (int q = 0; q < S::kQueries; ++q) {
      const float factor = __shfl_sync(kWholeWarp, correction, first_lane + q * S::kLanesOfQuery);
#pragma unroll
      for (int e = 0; e < S::kElements; ++e) state->sums[q][e] *= factor;
    }
  }
#pragma unroll
  for (int u = 0; u < S::kUnroll; ++u) {
    float value[S::kElements];
    UnpackRow<S>(values[u], value);
#pragma unroll
    for (int q = 0; q < S::kQueries; ++q) {
      const int score = q * S::kUnroll + u;
      const float weight = __shfl_sync(kWholeWarp, scores[score % S::kOwn], first_lane + score / S::kOwn * S::kShared);
#pragma unroll
      for (int e = 0; e < S::kElements; ++e) state->sums[q][e] += weight * value[e];
    }
  }
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_ATTENTION_WARP_H_
