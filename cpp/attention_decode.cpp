// Causal attention of one or a few tokens. A work item is one key-value head and kAttentionChunk positions: the heads
// of its group, for every token, take their softmax over these positions alone, so that keys and values are read once.
// Then the chunks of each head are put together in order. Chunks lie at multiples of kAttentionChunk whatever the
// number of threads and tokens, and so do the results. Reading the cache bounds the time.
#include <cmath>
#include <limits>

#include "attention.h"
#include "check.h"
#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

static_assert(CI_CACHE_PAGE % kAttentionChunk == 0, "a chunk lies in one page");

// What a chunk leaves for each token and head, indexed (kv_heads, chunks, tokens, group).
struct Partials {
  int64_t first_chunk;
  int64_t chunks;
  float* largest;
  float* sum;
  float* y;  // each with head_dim elements, to be divided by the sum
};

int64_t IndexOf(const Attention& a, const Partials& partials, int64_t kv_head, int64_t chunk, int64_t token) {
  return ((kv_head * partials.chunks + chunk) * a.tokens + token) * a.group();
}

// `chunk` counts from the first visible one.
void AttendChunk(const SimdKernels& simd, const Attention& a, const Partials& partials, int64_t kv_head, int64_t chunk,
                 float* weights) {
  const int32_t head_dim = a.cache.head_dim;
  const int64_t chunk_begin = (partials.first_chunk + chunk) * kAttentionChunk;
  for (int64_t t = 0; t < a.tokens; ++t) {
    const int64_t index = IndexOf(a, partials, kv_head, chunk, t);
    const int64_t visible_end = a.first_position + t + 1;
    const int64_t begin = a.first_visible(t) > chunk_begin ? a.first_visible(t) : chunk_begin;
    const int64_t end = visible_end < chunk_begin + kAttentionChunk ? visible_end : chunk_begin + kAttentionChunk;
    if (begin >= end) {
      for (int64_t h = 0; h < a.group(); ++h) partials.sum[index + h] = 0.0f;
      continue;
    }
    const AttentionChunk task{a.queries + (t * a.heads + kv_head * a.group()) * head_dim,
                              a.cache.keys(kv_head, begin),
                              a.cache.values(kv_head, begin),
                              a.group(),
                              head_dim,
                              static_cast<int32_t>(end - begin),
                              a.scale,
                              weights,
                              partials.largest + index,
                              partials.sum + index,
                              partials.y + index * head_dim};
    simd.attend_chunk[a.cache.dtype](task);
  }
}

// Puts together what the chunks left for one token and head.
void MergeChunks(const SimdKernels& simd, const Attention& a, const Partials& partials, int64_t token, int64_t head) {
  const auto index = [&](int64_t chunk) {
    return IndexOf(a, partials, head / a.group(), chunk, token) + head % a.group();
  };
  float largest = -std::numeric_limits<float>::infinity();
  for (int64_t c = 0; c < partials.chunks; ++c) {
    if (partials.sum[index(c)] != 0.0f && !(partials.largest[index(c)] <= largest)) {
      largest = partials.largest[index(c)];
    }
  }
  float* y = a.y + (token * a.heads + head) * a.cache.head_dim;
  for (int32_t i = 0; i < a.cache.head_dim; ++i) y[i] = 0.0f;
  float sum = 0.0f;
  for (int64_t c = 0; c < partials.chunks; ++c) {
    const int64_t from = index(c);
    if (partials.sum[from] == 0.0f) continue;
    const float factor = std::exp(partials.largest[from] - largest);
    const auto* row = reinterpret_cast<const uint8_t*>(partials.y + from * a.cache.head_dim);
    simd.add_rows[CI_F32](&row, &factor, 1, 0, a.cache.head_dim, y);
    sum += factor * partials.sum[from];
  }
  simd.multiply(y, a.cache.head_dim, 1.0f / sum);
}

void Decode(ci_context& c, const Attention& a) {
  RequireAttention(a);
  const int64_t first_chunk = a.first_visible(0) / kAttentionChunk;
  const int64_t chunks = (int64_t{a.first_position} + a.tokens - 1) / kAttentionChunk + 1 - first_chunk;
  const int64_t count = RequireProduct("partial results", {chunks, a.tokens, a.heads});
  const int64_t floats = RequireProduct("partial results", {count, int64_t{a.cache.head_dim} + 2});
  auto* memory = reinterpret_cast<float*>(
      c.shared_scratch.Reserve(RequireProduct("partial results", {floats, static_cast<int64_t>(sizeof(float))})));
  RequirePages(a.cache, a.first_visible(0), int64_t{a.first_position} + a.tokens);
  c.ReserveThreadScratch(int64_t{a.group()} * kAttentionChunk * static_cast<int64_t>(sizeof(float)));
  const Partials partials{first_chunk, chunks, memory + count * a.cache.head_dim,
                          memory + count * (a.cache.head_dim + 1), memory};
  WorkQueue pieces(chunks * a.cache.kv_heads, c.pool.size());
  WorkQueue heads(int64_t{a.tokens} * a.heads, c.pool.size());
  c.pool.Run([&](int32_t thread) {
    auto* weights = reinterpret_cast<float*>(c.thread_scratch(thread));
    pieces.Drain(thread,
                 [&](int64_t item) { AttendChunk(c.simd, a, partials, item / chunks, item % chunks, weights); });
    c.pool.Barrier();
    heads.Drain(thread, [&](int64_t item) { MergeChunks(c.simd, a, partials, item / a.heads, item % a.heads); });
  });
}

}  // namespace
}  // namespace coreinfer

int32_t ci_attention_decode(ci_context* context, const float* queries, int32_t tokens, int32_t heads, int32_t kv_heads,
                            int32_t head_dim, const int32_t* first_position, int32_t window, float scale,
                            int32_t capacity, int32_t cache_dtype, const uint64_t* pages, float* y) {
  return coreinfer::Call("ci_attention_decode", context, [&](ci_context& c) {
    coreinfer::RequireRange("tokens", tokens, 1, CI_DECODE_TOKENS);
    coreinfer::RequirePointer("first_position", first_position);
    coreinfer::Decode(c, {tokens,
                          heads,
                          *first_position,
                          window,
                          scale,
                          queries,
                          {kv_heads, head_dim, capacity, cache_dtype, pages},
                          y});
  });
}
