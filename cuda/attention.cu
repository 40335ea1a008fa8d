// Attention's entries, and storing keys and values in the cache: a thread converts elements of one row, which memory
// bounds.
#include <limits>

#include "attention.h"
#include "coreinfer/kernels.h"
#include "early_start.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ void StoreAs(float x, float* out) { *out = x; }
__device__ __forceinline__ void StoreAs(float x, __half* out) { *out = __float2half_rn(x); }

// Rows are a token's heads. Grid: blocks of blockDim.y rows; y: keys, values.
template <class T>
__global__ void attention_append_kernel(const float* keys, const float* values, int rows, int kv_heads, int head_dim,
                                        const int32_t* first_position, const uint64_t* pages) {
  LetNextStart();
  WaitForPrevious();
  const unsigned row = blockIdx.x * blockDim.y + threadIdx.y;
  if (row >= static_cast<unsigned>(rows)) return;
  const int token = static_cast<int>(row) / kv_heads;
  const int kv_head = static_cast<int>(row) % kv_heads;
  const int64_t position = static_cast<int64_t>(*first_position) + token;
  const float* from = (blockIdx.y == 0 ? keys : values) + static_cast<int64_t>(row) * head_dim;
  T* to = CacheRow<T>(pages, head_dim, blockIdx.y == 0 ? kv_head : kv_heads + kv_head, position);
  for (int i = threadIdx.x; i < head_dim; i += blockDim.x) StoreAs(from[i], to + i);
}

void RequireCache(int32_t cache_dtype, const uint64_t* pages, int32_t kv_heads, int32_t capacity, int32_t head_dim) {
  if (cache_dtype != CI_F32 && cache_dtype != CI_F16) {
    Fail(CI_INVALID_ARGUMENT, "a cache is F32 or F16: cache_dtype=%d", cache_dtype);
  }
  RequireArray("pages", pages, {kv_heads, capacity, head_dim});
}

void RequireAttention(const Attention& a, const char* position) {
  RequireArray("queries", a.queries, {a.tokens, a.heads, a.head_dim});
  RequireCache(a.cache_dtype, a.pages, a.kv_heads, a.capacity, a.head_dim);
  if (a.heads % a.kv_heads != 0) {
    Fail(CI_INVALID_ARGUMENT, "heads must be a multiple of kv_heads: heads=%d kv_heads=%d", a.heads, a.kv_heads);
  }
  RequireRange("tokens", a.tokens, 1, a.capacity);
  RequirePointer(position, a.first_position);
  RequireRange("window", a.window, 0, std::numeric_limits<int32_t>::max());
  RequirePointer("y", a.y);
}

}  // namespace
}  // namespace coreinfer

int32_t ci_attention_append(ci_context* context, const float* keys, const float* values, int32_t tokens,
                            int32_t kv_heads, int32_t head_dim, const int32_t* first_position, int32_t capacity,
                            int32_t cache_dtype, const uint64_t* pages) {
  return coreinfer::Call("ci_attention_append", context, [&](ci_context& c) {
    coreinfer::RequireArray("keys", keys, {tokens, kv_heads, head_dim});
    coreinfer::RequirePointer("values", values);
    coreinfer::RequireCache(cache_dtype, pages, kv_heads, capacity, head_dim);
    coreinfer::RequireRange("tokens", tokens, 1, capacity);
    coreinfer::RequirePointer("first_position", first_position);
    unsigned threads = coreinfer::kWarpThreads;
    while (threads < coreinfer::kThreads && threads < static_cast<unsigned>(head_dim)) threads *= 2;
    const unsigned rows_of_block = coreinfer::kThreads / threads;
    const int64_t rows = int64_t{tokens} * kv_heads;
    coreinfer::RequireRange("tokens * kv_heads", rows, 1, std::numeric_limits<int32_t>::max());
    const dim3 grid(static_cast<unsigned>((rows + rows_of_block - 1) / rows_of_block), 2);
    const dim3 block(threads, rows_of_block);
    const auto kernel =
        cache_dtype == CI_F16 ? coreinfer::attention_append_kernel<__half> : coreinfer::attention_append_kernel<float>;
    return coreinfer::Launch(coreinfer::Start::kEarly, c, "ci_attention_append", kernel, grid, block, 0, keys, values,
                             static_cast<int>(rows), kv_heads, head_dim, first_position, pages);
  });
}

int32_t ci_attention_prefill(ci_context* context, const float* queries, int32_t tokens, int32_t heads, int32_t kv_heads,
                             int32_t head_dim, const int32_t* first_position, int32_t window, float scale,
                             int32_t capacity, int32_t cache_dtype, const uint64_t* pages, float* y) {
  return coreinfer::Call("ci_attention_prefill", context, [&](ci_context& c) {
    const coreinfer::Attention a{queries,  pages,    first_position, y,        scale,       tokens, heads,
                                 kv_heads, head_dim, window,         capacity, cache_dtype, 0};
    coreinfer::RequireAttention(a, "first_position");
    return coreinfer::FitsTensorCores(a) ? coreinfer::LaunchTensorPrefill(c, a) : coreinfer::LaunchPrefill(c, a);
  });
}

int32_t ci_attention_decode(ci_context* context, const float* queries, int32_t tokens, int32_t heads, int32_t kv_heads,
                            int32_t head_dim, const int32_t* first_position, int32_t window, float scale,
                            int32_t capacity, int32_t cache_dtype, const uint64_t* pages, float* y) {
  return coreinfer::Call("ci_attention_decode", context, [&](ci_context& c) {
    coreinfer::RequireRange("tokens", tokens, 1, CI_DECODE_TOKENS);
    coreinfer::Attention a{queries,  pages,    first_position, y,        scale,       tokens, heads,
                           kv_heads, head_dim, window,         capacity, cache_dtype, 0};
    coreinfer::RequireAttention(a, "first_position");
    int32_t status = CI_OK;
    for (int32_t t = 0; t < tokens && status == CI_OK; ++t) {
      const int64_t row = int64_t{t} * heads * head_dim;
      a.queries = queries + row;
      a.y = y + row;
      a.token = t;
      status = coreinfer::LaunchDecode(c, a);
    }
    return status;
  });
}
