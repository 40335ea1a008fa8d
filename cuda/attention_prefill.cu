// Prefill attention in F32, for caches and heads that tensor cores don't take. A block has 64 queries: the heads that
// share a key-value head, token after token. It walks the positions that any of them sees in tiles of 64, which it
// brings into shared memory part by part; a thread computes the scores of 4 queries times 4 positions, and keeps 4 rows
// of the result in registers. Arithmetic bounds the time, then reading shared memory: 12 loads of 16 bytes for 128
// multiply-adds. Heads of more than 128 elements are divided among blocks, each of which computes the scores.
#include "attention.h"

namespace coreinfer {
namespace {

constexpr int kSide = 16;  // threads of a block in each direction
constexpr int kThreads = kSide * kSide;
constexpr int kOwn = 4;                   // queries and positions of a thread
constexpr int kQueries = kSide * kOwn;    // of a block
constexpr int kPositions = kSide * kOwn;  // of a tile
constexpr int kDepth = 32;                // elements of keys that are in shared memory at once
constexpr int kValueRows = 32;            // positions whose values are
constexpr int kPadding = 4;               // of rows that threads read side by side

// Rows of keys and queries, then rows of values, in the same memory.
union Tile {
  struct {
    float queries[kQueries][kDepth + kPadding];
    float keys[kPositions][kDepth + kPadding];
  } products;
  float values[kValueRows][kSide * 8];
};

// Threads are numbered (row, column) here: thread row * kSide + column.
struct Thread {
  int row = static_cast<int>(threadIdx.x) / kSide;
  int column = static_cast<int>(threadIdx.x) % kSide;
};

// scores[i][j]: of query row * kOwn + i of the block, which begins at offsets[row * kOwn + i], at position `begin` +
// column + kSide * j.
template <class T>
__device__ void ScoreTile(const Attention& a, const int64_t (&offsets)[kQueries], int64_t kv_head, int begin, int end,
                          Tile* tile, float (&scores)[kOwn][kOwn]) {
  constexpr int kRows = kThreads / kDepth;  // that the block loads at once
  const Thread thread;
  const int column = threadIdx.x % kDepth;
  const int first_row = threadIdx.x / kDepth;
  const int rows = min(end - begin, kPositions);
  const T* keys = a.Key<T>(kv_head, begin) + int64_t{first_row} * a.head_dim + column;
  for (int first = 0; first < a.head_dim; first += kDepth, keys += kDepth) {
    const bool is_used = first + column < a.head_dim;
    __syncthreads();  // what was in the tile was read
#pragma unroll 2
    for (int row = first_row; row < kQueries; row += kRows) {
      const float* query = a.queries + offsets[row] + first;
      tile->products.queries[row][column] = is_used ? query[column] * (a.scale * kLog2E) : 0.0f;
    }
    const T* from = keys;
#pragma unroll 2
    for (int row = first_row; row < kPositions; row += kRows, from += static_cast<int64_t>(kRows) * a.head_dim) {
      tile->products.keys[row][column] = is_used && row < rows ? ToFloat(*from) : 0.0f;
    }
    __syncthreads();
    float sums[kOwn][kOwn] = {};  // of this part, as long sums lose bits
#pragma unroll 1
    for (int d = 0; d < kDepth; d += 4) {
      float4 key[kOwn];
#pragma unroll
      for (int j = 0; j < kOwn; ++j) {
        key[j] = *reinterpret_cast<const float4*>(&tile->products.keys[thread.column + kSide * j][d]);
      }
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        const float4 query = *reinterpret_cast<const float4*>(&tile->products.queries[thread.row * kOwn + i][d]);
#pragma unroll
        for (int j = 0; j < kOwn; ++j) {
          sums[i][j] += query.x * key[j].x;
          sums[i][j] += query.y * key[j].y;
          sums[i][j] += query.z * key[j].z;
          sums[i][j] += query.w * key[j].w;
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
#pragma unroll
      for (int j = 0; j < kOwn; ++j) scores[i][j] += sums[i][j];
    }
  }
}

// Adds weights times values to the sums; column c of a thread is column * 4 + 4 * kSide * (c / 4) + c % 4 of the
// block's.
template <class T, int kColumns>
__device__ void AddValues(const Attention& a, int64_t kv_head, int begin, int end,
                          const float (&weights)[kQueries][kPositions + kPadding], Tile* tile,
                          float (&sums)[kOwn][kColumns]) {
  constexpr int kWidth = kSide * kColumns;
  constexpr int kRows = kThreads / kWidth;  // that the block loads at once
  const int first_column = static_cast<int>(blockIdx.y) * kWidth;
  const Thread thread;
  const int own_column = threadIdx.x % kWidth;
  const int own_row = threadIdx.x / kWidth;
  const bool is_used = first_column + own_column < a.head_dim;
  const int rows = min(end - begin, kPositions);
  const T* value = a.Value<T>(kv_head, begin) + int64_t{own_row} * a.head_dim + first_column + own_column;
  for (int first = 0; first < kPositions; first += kValueRows) {
    __syncthreads();  // what was in the tile was read
#pragma unroll 1
    for (int row = own_row; row < kValueRows; row += kRows, value += static_cast<int64_t>(kRows) * a.head_dim) {
      tile->values[row][own_column] = is_used && first + row < rows ? ToFloat(*value) : 0.0f;
    }
    __syncthreads();
#pragma unroll 1
    for (int p = 0; p < kValueRows; p += 4) {
      float weight[kOwn][4];
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        const float4 four = *reinterpret_cast<const float4*>(&weights[thread.row * kOwn + i][first + p]);
        weight[i][0] = four.x;
        weight[i][1] = four.y;
        weight[i][2] = four.z;
        weight[i][3] = four.w;
      }
#pragma unroll
      for (int step = 0; step < 4; ++step) {
#pragma unroll
        for (int c = 0; c < kColumns; c += 4) {
          const float4 four = *reinterpret_cast<const float4*>(&tile->values[p + step][thread.column * 4 + kSide * c]);
#pragma unroll
          for (int i = 0; i < kOwn; ++i) {
            sums[i][c] += weight[i][step] * four.x;
            sums[i][c + 1] += weight[i][step] * four.y;
            sums[i][c + 2] += weight[i][step] * four.z;
            sums[i][c + 3] += weight[i][step] * four.w;
          }
        }
      }
    }
  }
}

// Grid: x: key-value heads times blocks of queries; y: parts of a head's columns. Two blocks share a
// multiprocessor where the sums leave registers for that.
template <class T, int kColumns>
__global__ void __launch_bounds__(kThreads, kColumns == 8 ? 1 : 2) attention_prefill_kernel(Attention a) {
  __shared__ __align__(16) Tile tile;
  __shared__ __align__(16) float weights[kQueries][kPositions + kPadding];
  __shared__ int64_t offsets[kQueries];
  __shared__ int seen_ends[kQueries];
  __shared__ float largest[kQueries];
  const BlockOfQueries queries(a, kQueries);
  const Thread thread;
  if (threadIdx.x < kQueries) {
    offsets[threadIdx.x] = queries.Offset(a, queries.first + threadIdx.x);
    seen_ends[threadIdx.x] = static_cast<int>(queries.SeenEnd(a, queries.first + threadIdx.x));
    largest[threadIdx.x] = -INFINITY;
  }
  // A tile lies within a page.
  static_assert(CI_CACHE_PAGE % kPositions == 0);
  const int first_seen = static_cast<int>(a.FirstSeen(queries.SeenEnd(a, queries.first)));
  const int first = first_seen / kPositions * kPositions;
  const int end = static_cast<int>(queries.SeenEnd(a, queries.first + kQueries - 1));
  float sums[kOwn][kColumns] = {};
  float total[kOwn] = {};  // of the thread's own weights
  for (int begin = first; begin < end; begin += kPositions) {
    float scores[kOwn][kOwn] = {};
    ScoreTile<T>(a, offsets, queries.kv_head, begin, end, &tile, scores);
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      const int query = thread.row * kOwn + i;
      const float before = largest[query];
      float grown = before;
      const int seen_end = seen_ends[query];
      const int from = static_cast<int>(a.FirstSeen(seen_end)) - begin;
      const int to = seen_end - begin;
#pragma unroll
      for (int j = 0; j < kOwn; ++j) {
        const int place = thread.column + kSide * j;
        if (place < from || place >= to) scores[i][j] = -INFINITY;
        grown = fmaxf(grown, scores[i][j]);
      }
#pragma unroll
      for (int lanes = kSide / 2; lanes > 0; lanes /= 2) {
        grown = fmaxf(grown, __shfl_xor_sync(kWholeWarp, grown, lanes));
      }
      const float correction = WeightOf(before, grown);
      if (thread.column == 0) largest[query] = grown;
      total[i] *= correction;
#pragma unroll
      for (int j = 0; j < kOwn; ++j) {
        const float weight = WeightOf(scores[i][j], grown);
        total[i] += weight;
        weights[query][thread.column + kSide * j] = weight;
      }
#pragma unroll
      for (int c = 0; c < kColumns; ++c) sums[i][c] *= correction;
    }
    AddValues<T, kColumns>(a, queries.kv_head, begin, end, weights, &tile, sums);
  }
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
#pragma unroll
    for (int lanes = kSide / 2; lanes > 0; lanes /= 2) total[i] += __shfl_xor_sync(kWholeWarp, total[i], lanes);
    if (queries.first + thread.row * kOwn + i >= queries.count) continue;
    float* y = a.y + offsets[thread.row * kOwn + i];
    const int first_column = static_cast<int>(blockIdx.y) * kSide * kColumns;
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int column = first_column + thread.column * 4 + kSide * (c / 4 * 4) + c % 4;
      if (column < a.head_dim) y[column] = sums[i][c] / total[i];
    }
  }
}

}  // namespace

unsigned BlocksOfQueries(const Attention& a, int size) {
  const int64_t blocks = (int64_t{a.tokens} * a.group() + size - 1) / size * a.kv_heads;
  RequireRange("tokens * heads", blocks, 1, INT32_MAX);
  return static_cast<unsigned>(blocks);
}

int32_t LaunchPrefill(ci_context& c, const Attention& a) {
  const auto launch = [&](auto kernel, int columns) {
    const auto parts = static_cast<unsigned>((a.head_dim + columns - 1) / columns);
    return Launch(c, "ci_attention_prefill", kernel, dim3(BlocksOfQueries(a, kQueries), parts), kThreads, 0, a);
  };
  if (a.cache_dtype == CI_F16) {
    return a.head_dim <= kSide * 4 ? launch(attention_prefill_kernel<__half, 4>, kSide * 4)
                                   : launch(attention_prefill_kernel<__half, 8>, kSide * 8);
  }
  return a.head_dim <= kSide * 4 ? launch(attention_prefill_kernel<float, 4>, kSide * 4)
                                 : launch(attention_prefill_kernel<float, 8>, kSide * 8);
}

}  // namespace coreinfer
