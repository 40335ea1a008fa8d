// Prefill attention on tensor cores, for F16 caches. A block has 64 queries in 4 warps and walks the positions in tiles
// of 64: values are copied to shared memory while scores are computed, the next keys while values are added. Queries
// and weights enter as sums of two halves, which hold 22 bits, so that the result is as close as F32 arithmetic's; each
// tile's product is added in F32, as tensor cores round sums down. Arithmetic bounds the time: 8 * head_dim
// multiply-adds of halves for each query and position.
#include "attention.h"
#include "stream.h"
#include "tensor_core.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 128;
constexpr int kQueriesOfWarp = 16;
constexpr int kQueries = kThreads / kWarpThreads * kQueriesOfWarp;
constexpr int kPositions = 64;  // of a tile
constexpr int kDepth = 16;      // elements that one product of tiles adds up
constexpr int kWidth = 8;       // columns that it has

// Rows of keys or values; 16 bytes more than a row, so that 8 neighbours lie in different banks.
template <int kDim>
using Tile = __half[kPositions][kDim + 8];

// 16 queries as two matrices of halves that add up to query * factor.
template <int kDim>
struct SplitQueries {
  uint32_t high[kDim / kDepth][4];
  uint32_t low[kDim / kDepth][4];
};

__device__ __forceinline__ void SplitPair(float x, float y, uint32_t* high, uint32_t* low) {
  const __half high_x = __float2half_rn(x);
  const __half high_y = __float2half_rn(y);
  *high = PackHalves(high_x, high_y);
  *low = PackHalves(__float2half_rn(x - __half2float(high_x)), __float2half_rn(y - __half2float(high_y)));
}

// The power of two that brings `largest` into 2^8..2^9, where neither half of a sum overflows or loses bits that
// matter.
__device__ __forceinline__ float FactorFor(float largest) {
  const int exponent = static_cast<int>(__float_as_uint(largest) >> 23);
  if (exponent == 0 || exponent == 255) return 1.0f;
  const int wanted = 127 + 127 + 8 - exponent;
  return __uint_as_float(static_cast<uint32_t>(wanted < 254 ? wanted : 254) << 23);
}

// A lane's two rows of 16 queries begin at rows[0] and rows[1]. scales receives what a product with the result has to
// be multiplied by.
template <int kDim>
__device__ __forceinline__ void LoadQueries(const Attention& a, const float* const (&rows)[2],
                                            SplitQueries<kDim>* queries, float (&scales)[2]) {
  const int pair = threadIdx.x % 4 * 2;
  float factors[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float largest = 0.0f;
    for (int i = pair; i < a.head_dim; i += 8)
      largest = fmaxf(largest, fmaxf(fabsf(rows[r][i]), fabsf(rows[r][i + 1])));
    largest = fmaxf(largest, __shfl_xor_sync(kWholeWarp, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(kWholeWarp, largest, 2));
    factors[r] = FactorFor(largest);
    scales[r] = a.scale * kLog2E / factors[r];
  }
#pragma unroll
  for (int step = 0; step < kDim / kDepth; ++step) {
#pragma unroll
    for (int part = 0; part < 4; ++part) {
      const int r = part % 2;
      const int column = step * kDepth + part / 2 * 8 + pair;
      const bool is_used = column < a.head_dim;
      const float x = is_used ? rows[r][column] * factors[r] : 0.0f;
      const float y = is_used ? rows[r][column + 1] * factors[r] : 0.0f;
      SplitPair(x, y, &queries->high[step][part], &queries->low[step][part]);
    }
  }
}

template <int kDim>
__device__ __forceinline__ void BeginToLoad(const Attention& a, int64_t matrix, int begin, int end, Tile<kDim>& tile) {
  constexpr int kPieces = kDim / 8;
#pragma unroll 4
  for (int i = threadIdx.x; i < kPositions * kPieces; i += kThreads) {
    const int row = i / kPieces;
    const int column = i % kPieces * 8;
    const bool is_used = row < end - begin && column < a.head_dim;
    const auto* from = CacheRow<const __half>(a.pages, a.head_dim, matrix, min(begin + row, end - 1));
    CopyOrZero(is_used ? from + column : from, is_used, &tile[row][column]);
  }
  CommitCopies();
}

// scores[n]: 16 queries times the positions n * 8.. of the tile, each as MultiplyTile lays out C.
template <int kDim>
__device__ __forceinline__ void ScoreTile(const Tile<kDim>& keys, const SplitQueries<kDim>& queries, int head_dim,
                                          float (&scores)[kPositions / kWidth][4]) {
  const int lane = threadIdx.x % kWarpThreads;
#pragma unroll
  for (int step = 0; step < kDim / kDepth; step += 2) {
    if (step * kDepth >= head_dim) break;
#pragma unroll
    for (int n = 0; n < kPositions / kWidth; ++n) {
      uint32_t key[4];
      LoadMatrices(&keys[n * kWidth + lane % 8][step * kDepth + lane / 8 * 8], key);
      MultiplyTile(queries.low[step], key[0], key[1], scores[n]);
      MultiplyTile(queries.high[step], key[0], key[1], scores[n]);
      MultiplyTile(queries.low[step + 1], key[2], key[3], scores[n]);
      MultiplyTile(queries.high[step + 1], key[2], key[3], scores[n]);
    }
  }
}

// The running softmax of a lane's two queries.
struct Softmax {
  float scales[2];
  float largest[2] = {-INFINITY, -INFINITY};
  float total[2] = {0.0f, 0.0f};
};

// Makes weights of scores, times 2^14 as small halves have fewer bits. from, to: of the tile, what a query sees.
// correction: for what was summed before.
__device__ __forceinline__ void Weigh(const int (&from)[2], const int (&to)[2], Softmax* softmax,
                                      float (&scores)[kPositions / kWidth][4], float (&correction)[2]) {
  constexpr float kExponent = 14.0f;
  const int pair = threadIdx.x % 4 * 2;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
#pragma unroll
    for (int n = 0; n < kPositions / kWidth; ++n) {
      scores[n][2 * r] *= softmax->scales[r];
      scores[n][2 * r + 1] *= softmax->scales[r];
    }
    if (from[r] > 0 || to[r] < kPositions) {
#pragma unroll
      for (int n = 0; n < kPositions / kWidth; ++n) {
        const int place = n * kWidth + pair;
        if (place < from[r] || place >= to[r]) scores[n][2 * r] = -INFINITY;
        if (place + 1 < from[r] || place + 1 >= to[r]) scores[n][2 * r + 1] = -INFINITY;
      }
    }
    float largest = softmax->largest[r];
#pragma unroll
    for (int n = 0; n < kPositions / kWidth; ++n) {
      largest = fmaxf(largest, fmaxf(scores[n][2 * r], scores[n][2 * r + 1]));
    }
    largest = fmaxf(largest, __shfl_xor_sync(kWholeWarp, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(kWholeWarp, largest, 2));
    correction[r] = WeightOf(softmax->largest[r], largest);
    softmax->largest[r] = largest;
    const float base = largest == -INFINITY ? 0.0f : largest - kExponent;
    float sum = 0.0f;
#pragma unroll
    for (int n = 0; n < kPositions / kWidth; ++n) {
      scores[n][2 * r] = exp2f(scores[n][2 * r] - base);
      scores[n][2 * r + 1] = exp2f(scores[n][2 * r + 1] - base);
      sum += scores[n][2 * r] + scores[n][2 * r + 1];
    }
    softmax->total[r] = softmax->total[r] * correction[r] + sum;
  }
}

// sums = sums * correction + weights values.
template <int kDim>
__device__ __forceinline__ void AddValues(const Tile<kDim>& values, const float (&weights)[kPositions / kWidth][4],
                                          const float (&correction)[2], int head_dim, float (&sums)[kDim / kWidth][4]) {
  constexpr int kSteps = kPositions / kDepth;
  const int lane = threadIdx.x % kWarpThreads;
  // The layout of C is that of A, 8 columns at a time.
  uint32_t high[kSteps][4];
  uint32_t low[kSteps][4];
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int part = 0; part < 4; ++part) {
      const float* pair = &weights[2 * step + part / 2][part % 2 * 2];
      SplitPair(pair[0], pair[1], &high[step][part], &low[step][part]);
    }
  }
#pragma unroll
  for (int n = 0; n < kDim / kWidth; ++n) {
    if (n * kWidth >= head_dim) break;
    float product[4] = {};
#pragma unroll
    for (int step = 0; step < kSteps; step += 2) {
      uint32_t value[4];
      LoadTransposedMatrices(&values[step * kDepth + lane][n * kWidth], value);
      MultiplyTile(low[step], value[0], value[1], product);
      MultiplyTile(high[step], value[0], value[1], product);
      MultiplyTile(low[step + 1], value[2], value[3], product);
      MultiplyTile(high[step + 1], value[2], value[3], product);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) sums[n][i] = sums[n][i] * correction[i / 2] + product[i];
  }
}

// Grid: key-value heads times blocks of queries. kDim: the most elements of a head.
template <int kDim>
__global__ void __launch_bounds__(kThreads, 2) attention_tensor_kernel(Attention a) {
  __shared__ __align__(16) Tile<kDim> keys;
  __shared__ __align__(16) Tile<kDim> values;
  __shared__ int64_t offsets[kQueries];
  __shared__ int seen_ends[kQueries];
  const BlockOfQueries block(a, kQueries);
  const int lane = threadIdx.x % kWarpThreads;
  // The lane's queries in the block are this one and that 8 further.
  const int own = static_cast<int>(threadIdx.x) / kWarpThreads * kQueriesOfWarp + lane / 4;
  if (threadIdx.x < kQueries) {
    offsets[threadIdx.x] = block.Offset(a, block.first + threadIdx.x);
    seen_ends[threadIdx.x] = static_cast<int>(block.SeenEnd(a, block.first + threadIdx.x));
  }
  __syncthreads();
  SplitQueries<kDim> queries;
  Softmax softmax;
  LoadQueries<kDim>(a, {a.queries + offsets[own], a.queries + offsets[own + 8]}, &queries, softmax.scales);
  const int first = static_cast<int>(a.FirstSeen(seen_ends[0]));
  const int end = seen_ends[kQueries - 1];
  const int tiles = (end - first - 1) / kPositions + 1;
  float sums[kDim / kWidth][4] = {};
  BeginToLoad<kDim>(a, block.kv_head, first, end, keys);
  for (int t = 0; t < tiles; ++t) {
    const int begin = first + t * kPositions;
    WaitForCopies<0>();
    __syncthreads();  // keys are there, values are no longer needed
    BeginToLoad<kDim>(a, a.kv_heads + block.kv_head, begin, end, values);
    float scores[kPositions / kWidth][4] = {};
    ScoreTile<kDim>(keys, queries, a.head_dim, scores);
    float correction[2];
    const int to[2] = {seen_ends[own] - begin, seen_ends[own + 8] - begin};
    const int from[2] = {static_cast<int>(a.FirstSeen(seen_ends[own])) - begin,
                         static_cast<int>(a.FirstSeen(seen_ends[own + 8])) - begin};
    Weigh(from, to, &softmax, scores, correction);
    WaitForCopies<0>();
    __syncthreads();  // values are there, keys are no longer needed
    if (t + 1 < tiles) BeginToLoad<kDim>(a, block.kv_head, begin + kPositions, end, keys);
    AddValues<kDim>(values, scores, correction, a.head_dim, sums);
  }
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float total = softmax.total[r] + __shfl_xor_sync(kWholeWarp, softmax.total[r], 1);
    total += __shfl_xor_sync(kWholeWarp, total, 2);
    const float inverse = 1.0f / total;
    float* y = a.y + offsets[own + 8 * r] + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < kDim / kWidth; ++n) {
      if (block.first + own + 8 * r < block.count && n * kWidth < a.head_dim) {
        *reinterpret_cast<float2*>(y + n * kWidth) =
            make_float2(sums[n][2 * r] * inverse, sums[n][2 * r + 1] * inverse);
      }
    }
  }
}

}  // namespace

bool FitsTensorCores(const Attention& a) {
  return a.cache_dtype == CI_F16 && a.head_dim <= 128 && HasAlignedRows(a) && IsAligned(a.y, 8);
}

int32_t LaunchTensorPrefill(ci_context& c, const Attention& a) {
  const auto kernel = a.head_dim <= 64 ? attention_tensor_kernel<64> : attention_tensor_kernel<128>;
  return Launch(c, "ci_attention_prefill", kernel, BlocksOfQueries(a, kQueries), kThreads, 0, a);
}

}  // namespace coreinfer
