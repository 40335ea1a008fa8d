// What attention of decode and of prefill have in common: the arguments and their checks.
#ifndef COREINFER_CPP_ATTENTION_H_
#define COREINFER_CPP_ATTENTION_H_

#include <cstdint>

#include "coreinfer/types.h"

namespace coreinfer {

struct Attention {
  int32_t tokens, heads, kv_heads, head_dim, first_position, window, capacity, cache_dtype;
  float scale;
  const float* queries;
  const uint8_t* key_cache;
  const uint8_t* value_cache;
  float* y;

  int32_t group() const { return heads / kv_heads; }

  int64_t row_bytes() const { return int64_t{head_dim} * (cache_dtype == CI_F16 ? 2 : 4); }

  /// The first position that token t sees.
  int64_t first_visible(int64_t t) const {
    const int64_t position = first_position + t;
    return window == 0 || position < window ? 0 : position - window + 1;
  }
};

void RequireCache(int32_t cache_dtype, const void* key_cache, const void* value_cache, int32_t kv_heads,
                  int32_t capacity, int32_t head_dim);

void RequireAttention(const Attention& attention);

}  // namespace coreinfer

#endif  // COREINFER_CPP_ATTENTION_H_
