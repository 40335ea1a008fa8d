// What the files of attention share: its operands and where a query's visible positions begin and end.
#ifndef COREINFER_CUDA_ATTENTION_H_
#define COREINFER_CUDA_ATTENTION_H_

#include "context.h"
#include "device.h"

namespace coreinfer {

// Weights are powers of two: the hardware's exponential function, and exact where scores are equal.
constexpr float kLog2E = 1.44269504f;

/// Row `position` of a matrix of a cache: the keys of a head, or behind all of those its values.
template <class T>
__device__ __forceinline__ T* CacheRow(const uint64_t* pages, int64_t head_dim, int64_t matrix, int64_t position) {
  const auto place = static_cast<unsigned>(position);
  return reinterpret_cast<T*>(pages[place / CI_CACHE_PAGE]) +
         (matrix * CI_CACHE_PAGE + place % CI_CACHE_PAGE) * head_dim;
}

struct Attention {
  const float* queries;           // (tokens, heads, head_dim)
  const uint64_t* pages;          // addresses of (2, kv_heads, CI_CACHE_PAGE, head_dim)
  const int32_t* first_position;  // (1)
  float* y;                       // (tokens, heads, head_dim)
  float scale;
  int32_t tokens, heads, kv_heads, head_dim, window, capacity, cache_dtype;
  int32_t token;  // of several that decode, the one that a launch computes; queries and y are its own

  /// Heads that share keys and values.
  __host__ __device__ int group() const { return heads / kv_heads; }

  /// The first position that a query sees which sees `end - 1` as its last.
  __device__ int64_t FirstSeen(int64_t end) const { return window == 0 || end <= window ? 0 : end - window; }

  /// A head's key at a position. T: of the cache.
  template <class T>
  __device__ __forceinline__ const T* Key(int64_t kv_head, int64_t position) const {
    return CacheRow<const T>(pages, head_dim, kv_head, position);
  }

  /// Its value.
  template <class T>
  __device__ __forceinline__ const T* Value(int64_t kv_head, int64_t position) const {
    return CacheRow<const T>(pages, head_dim, kv_heads + kv_head, position);
  }
};

/// The queries of a prefill block, where the grid's x is key-value heads times blocks of `size` queries. The queries of
/// a key-value head are numbered token * group + head of the group.
struct BlockOfQueries {
  int64_t kv_head;
  int64_t first;
  int64_t count;  // of all
  int64_t first_position;

  __device__ BlockOfQueries(const Attention& a, int size) {
    const int64_t blocks = gridDim.x / a.kv_heads;
    kv_head = blockIdx.x % a.kv_heads;
    // The last tokens see the most positions: they start first.
    first = (blocks - 1 - blockIdx.x / a.kv_heads) * size;
    count = static_cast<int64_t>(a.tokens) * a.group();
    first_position = *a.first_position;
  }

  /// Places beyond the last query are taken for it; nothing may be stored for them.
  __device__ int64_t Clamped(int64_t query) const { return query < count ? query : count - 1; }

  /// Where a query begins, in elements; its result begins there too.
  __device__ int64_t Offset(const Attention& a, int64_t query) const {
    const int64_t token = Clamped(query) / a.group();
    return (token * a.heads + kv_head * a.group() + Clamped(query) % a.group()) * a.head_dim;
  }

  /// The position after the last one that a query sees.
  __device__ int64_t SeenEnd(const Attention& a, int64_t query) const {
    return first_position + Clamped(query) / a.group() + 1;
  }
};

/// The grid's x for BlockOfQueries.
unsigned BlocksOfQueries(const Attention& a, int size);

/// Whether rows of a cache can be read in pieces of 16 bytes, as pages are aligned.
inline bool HasAlignedRows(const Attention& a) { return a.head_dim % (a.cache_dtype == CI_F16 ? 8 : 4) == 0; }

/// 2^(score - largest), and 0 for a masked score even where all are masked.
__device__ __forceinline__ float WeightOf(float score, float largest) {
  return score == -INFINITY ? 0.0f : exp2f(score - largest);
}

int32_t LaunchDecode(ci_context& c, const Attention& a);

int32_t LaunchPrefill(ci_context& c, const Attention& a);

/// Whether LaunchTensorPrefill computes this shape.
bool FitsTensorCores(const Attention& a);

/// LaunchPrefill on tensor cores.
int32_t LaunchTensorPrefill(ci_context& c, const Attention& a);

}  // namespace coreinfer

#endif  // COREINFER_CUDA_ATTENTION_H_
