// Attention of some tokens of one layer over its cache.
#ifndef COREINFER_CPP_ATTENTION_H_
#define COREINFER_CPP_ATTENTION_H_

#include <cstdint>

namespace coreinfer {

struct Attention {
  int32_t tokens, heads, kv_heads, head_dim, first_position, window, capacity, cache_dtype;
  float scale;
  const float* queries;
  const uint8_t* key_cache;
  const uint8_t* value_cache;
  float* y;

  int32_t group() const { return heads / kv_heads; }
};

/// Checks the shape, the addresses and the positions.
void RequireAttention(const Attention& attention);

}  // namespace coreinfer

#endif  // COREINFER_CPP_ATTENTION_H_
