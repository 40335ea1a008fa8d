// What attention of decode and of prefill have in common: the checks of its arguments, and what stores into the cache.
#include "attention.h"

#include <cstring>
#include <limits>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {

void RequireCache(int32_t cache_dtype, const void* key_cache, const void* value_cache, int32_t kv_heads,
                  int32_t capacity, int32_t head_dim) {
  if (cache_dtype != CI_F32 && cache_dtype != CI_F16) {
    Fail(CI_INVALID_ARGUMENT, "a cache is F32 or F16: cache_dtype=%d", cache_dtype);
  }
  RequireArray("key_cache", key_cache, {kv_heads, capacity, head_dim});
  RequirePointer("value_cache", value_cache);
}

void RequireAttention(const Attention& a) {
  RequireArray("queries", a.queries, {a.tokens, a.heads, a.head_dim});
  RequireCache(a.cache_dtype, a.key_cache, a.value_cache, a.kv_heads, a.capacity, a.head_dim);
  if (a.heads % a.kv_heads != 0) {
    Fail(CI_INVALID_ARGUMENT, "heads must be a multiple of kv_heads: heads=%d kv_heads=%d", a.heads, a.kv_heads);
  }
  RequireRange("position", a.first_position, 0, int64_t{a.capacity} - a.tokens);
  RequireRange("window", a.window, 0, std::numeric_limits<int32_t>::max());
  RequirePointer("y", a.y);
}

}  // namespace coreinfer

int32_t ci_attention_append(ci_context* context, const float* keys, const float* values, int32_t tokens,
                            int32_t kv_heads, int32_t head_dim, const int32_t* first_position, int32_t capacity,
                            int32_t cache_dtype, void* key_cache, void* value_cache) {
  return coreinfer::Call("ci_attention_append", context, [&](ci_context& c) {
    coreinfer::RequireArray("keys", keys, {tokens, kv_heads, head_dim});
    coreinfer::RequirePointer("values", values);
    coreinfer::RequireCache(cache_dtype, key_cache, value_cache, kv_heads, capacity, head_dim);
    coreinfer::RequirePointer("first_position", first_position);
    const int64_t first = *first_position;
    coreinfer::RequireRange("first_position", first, 0, int64_t{capacity} - tokens);
    const auto store = [&](const float* x, int64_t element, void* cache) {
      if (cache_dtype == CI_F16) {
        c.simd.to_f16(x, head_dim, static_cast<uint8_t*>(cache) + 2 * element);
      } else {
        std::memcpy(static_cast<float*>(cache) + element, x, sizeof(float) * static_cast<size_t>(head_dim));
      }
    };
    coreinfer::ParallelRanges(c, tokens, 16, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t t = begin; t < end; ++t) {
        for (int64_t h = 0; h < kv_heads; ++h) {
          const int64_t from = (t * kv_heads + h) * head_dim;
          const int64_t to = (h * capacity + first + t) * head_dim;
          store(keys + from, to, key_cache);
          store(values + from, to, value_cache);
        }
      }
    });
  });
}
