// What attention of decode and of prefill have in common: the arguments and their checks.
#ifndef COREINFER_CPP_ATTENTION_H_
#define COREINFER_CPP_ATTENTION_H_

#include <cstdint>

#include "coreinfer/types.h"

namespace coreinfer {

/// Keys and values of one layer and sequence.
struct Cache {
  int32_t kv_heads, head_dim, capacity, dtype;
  const uint64_t* pages;

  int64_t row_bytes() const { return int64_t{head_dim} * (dtype == CI_F16 ? 2 : 4); }

  /// A head's keys from a position on, up to the end of its page.
  uint8_t* keys(int64_t kv_head, int64_t position) const {
    return reinterpret_cast<uint8_t*>(pages[position / CI_CACHE_PAGE]) +
           (kv_head * CI_CACHE_PAGE + position % CI_CACHE_PAGE) * row_bytes();
  }
  uint8_t* values(int64_t kv_head, int64_t position) const { return keys(kv_heads + kv_head, position); }
};

struct Attention {
  int32_t tokens, heads, first_position, window;
  float scale;
  const float* queries;
  Cache cache;
  float* y;

  int32_t group() const { return heads / cache.kv_heads; }

  /// The first position that token t sees.
  int64_t first_visible(int64_t t) const {
    const int64_t position = first_position + t;
    return window == 0 || position < window ? 0 : position - window + 1;
  }
};

void RequireCache(const Cache& cache);

/// Requires the pages of positions begin..end-1.
void RequirePages(const Cache& cache, int64_t begin, int64_t end);

void RequireAttention(const Attention& attention);

}  // namespace coreinfer

#endif  // COREINFER_CPP_ATTENTION_H_
