// What attention of decode and of prefill have in common: the checks of its arguments, and what stores into the cache.
#include "attention.h"

#include <cstring>
#include <limits>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {

void RequireCache(const Cache& cache) {
  if (cache.dtype != CI_F32 && cache.dtype != CI_F16) {
    Fail(CI_INVALID_ARGUMENT, "a cache is F32 or F16: cache_dtype=%d", cache.dtype);
  }
  RequireArray("pages", cache.pages, {cache.kv_heads, cache.capacity, cache.head_dim});
}

void RequirePages(const Cache& cache, int64_t begin, int64_t end) {
  for (int64_t page = begin / CI_CACHE_PAGE; page * CI_CACHE_PAGE < end; ++page) {
    if (cache.pages[page] == 0) {
      Fail(CI_INVALID_ARGUMENT, "pages[%lld] is null: positions %lld..%lld are needed", static_cast<long long>(page),
           static_cast<long long>(begin), static_cast<long long>(end - 1));
    }
  }
}

void RequireAttention(const Attention& a) {
  RequireArray("queries", a.queries, {a.tokens, a.heads, a.cache.head_dim});
  RequireCache(a.cache);
  if (a.heads % a.cache.kv_heads != 0) {
    Fail(CI_INVALID_ARGUMENT, "heads must be a multiple of kv_heads: heads=%d kv_heads=%d", a.heads, a.cache.kv_heads);
  }
  RequireRange("position", a.first_position, 0, int64_t{a.cache.capacity} - a.tokens);
  RequireRange("window", a.window, 0, std::numeric_limits<int32_t>::max());
  RequirePointer("y", a.y);
}

}  // namespace coreinfer

int32_t ci_attention_append(ci_context* context, const float* keys, const float* values, int32_t tokens,
                            int32_t kv_heads, int32_t head_dim, const int32_t* first_position, int32_t capacity,
                            int32_t cache_dtype, const uint64_t* pages) {
  return coreinfer::Call("ci_attention_append", context, [&](ci_context& c) {
    const coreinfer::Cache cache{kv_heads, head_dim, capacity, cache_dtype, pages};
    coreinfer::RequireArray("keys", keys, {tokens, kv_heads, head_dim});
    coreinfer::RequirePointer("values", values);
    coreinfer::RequireCache(cache);
    coreinfer::RequirePointer("first_position", first_position);
    const int64_t first = *first_position;
    coreinfer::RequireRange("first_position", first, 0, int64_t{capacity} - tokens);
    coreinfer::RequirePages(cache, first, first + tokens);
    const auto store = [&](const float* x, uint8_t* row) {
      if (cache_dtype == CI_F16) {
        c.simd.to_f16(x, head_dim, row);
      } else {
        std::memcpy(row, x, sizeof(float) * static_cast<size_t>(head_dim));
      }
    };
    coreinfer::ParallelRanges(c, tokens, 16, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t t = begin; t < end; ++t) {
        for (int64_t h = 0; h < kv_heads; ++h) {
          const int64_t from = (t * kv_heads + h) * head_dim;
          store(keys + from, cache.keys(h, first + t));
          store(values + from, cache.values(h, first + t));
        }
      }
    });
  });
}
