// Causal attention with a cache shared by groups of heads. A work item is one key-value head and a block of queries:
// the heads of its group for a block of tokens. It walks the visible positions in pieces of kPiece, converts the
// piece's keys and values once if many queries need them, and keeps a running softmax per query. Reading the cache
// bounds the time.
#include "attention.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

constexpr int32_t kPiece = 64;
// Queries that share a conversion of keys and values.
constexpr int32_t kQueriesPerItem = 32;

void RequireCache(int32_t cache_dtype, const void* key_cache, const void* value_cache, int32_t kv_heads,
                  int32_t capacity, int32_t head_dim) {
  if (cache_dtype != CI_F32 && cache_dtype != CI_F16) {
    Fail(CI_INVALID_ARGUMENT, "a cache is F32 or F16: cache_dtype=%d", cache_dtype);
  }
  RequireArray("key_cache", key_cache, {kv_heads, capacity, head_dim});
  RequirePointer("value_cache", value_cache);
}

}  // namespace

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

namespace {

int32_t TokensPerItem(const Attention& a) { return a.group() >= kQueriesPerItem ? 1 : kQueriesPerItem / a.group(); }

// From this many queries on it pays to convert a piece of an F16 cache once for all of them.
constexpr int64_t kQueriesWorthConversion = 3;

const uint8_t* CacheAt(const Attention& a, const uint8_t* cache, int64_t kv_head, int64_t position) {
  return cache + (kv_head * a.capacity + position) * a.head_dim * (a.cache_dtype == CI_F16 ? 2 : 4);
}

const uint8_t* ConvertPiece(const SimdKernels& simd, const Attention& a, const uint8_t* halves, int64_t positions,
                            float* converted) {
  const Matrix rows{halves, int64_t{a.head_dim} * 2, CI_F16, kPiece, a.head_dim};
  for (int32_t p = 0; p < positions; ++p) {
    simd.dequantize(&rows, p, 0, a.head_dim, converted + int64_t{p} * a.head_dim);
  }
  return reinterpret_cast<const uint8_t*>(converted);
}

// A query with its running softmax; the weighted values gather in y.
struct Query {
  const float* query;
  float* y;
  int64_t begin;
  int64_t end;
  float largest;
  float sum;
};

// Consecutive positions of one head, as they are in the cache or converted.
struct PieceOfCache {
  const uint8_t* keys;
  const uint8_t* values;
  int64_t begin;
  int64_t end;
  int32_t dtype;
};

void AttendPiece(const SimdKernels& simd, const Attention& a, const PieceOfCache& piece, Query* query) {
  const int64_t begin = query->begin > piece.begin ? query->begin : piece.begin;
  const int64_t end = query->end < piece.end ? query->end : piece.end;
  if (begin >= end) return;
  const int32_t count = static_cast<int32_t>(end - begin);
  const int64_t row_bytes = int64_t{a.head_dim} * (piece.dtype == CI_F16 ? 2 : 4);
  const int64_t skipped = (begin - piece.begin) * row_bytes;
  float weights[kPiece];
  simd.score_keys[piece.dtype](query->query, piece.keys + skipped, count, a.head_dim, a.scale, weights);
  const float largest = simd.largest(weights, count);
  if (!(largest <= query->largest)) {
    const float correction = std::exp(query->largest - largest);
    query->sum *= correction;
    simd.multiply(query->y, a.head_dim, correction);
    query->largest = largest;
  }
  query->sum += simd.exponentiate(weights, count, query->largest);
  const uint8_t* rows[kPiece];
  for (int32_t i = 0; i < count; ++i) rows[i] = piece.values + skipped + i * row_bytes;
  simd.add_rows[piece.dtype](rows, weights, count, 0, a.head_dim, query->y);
}

int64_t ScratchBytes(const Attention& a) {
  const int64_t queries = int64_t{TokensPerItem(a)} * a.group() * static_cast<int64_t>(sizeof(Query));
  return (queries + 63) / 64 * 64 + 2 * int64_t{kPiece} * a.head_dim * static_cast<int64_t>(sizeof(float));
}

// All queries of the group of kv_head for the tokens first_token..last_token-1.
void AttendItem(const SimdKernels& simd, const Attention& a, int64_t kv_head, int64_t first_token, int64_t last_token,
                uint8_t* scratch) {
  float* keys = reinterpret_cast<float*>(scratch);
  float* values = keys + int64_t{kPiece} * a.head_dim;
  Query* queries = reinterpret_cast<Query*>(values + int64_t{kPiece} * a.head_dim);
  int64_t count = 0;
  for (int64_t t = first_token; t < last_token; ++t) {
    const int64_t position = a.first_position + t;
    const int64_t begin = a.window == 0 || position < a.window ? 0 : position - a.window + 1;
    for (int64_t h = kv_head * a.group(); h < (kv_head + 1) * a.group(); ++h) {
      const int64_t offset = (t * a.heads + h) * a.head_dim;
      std::memset(a.y + offset, 0, sizeof(float) * static_cast<size_t>(a.head_dim));
      queries[count++] =
          Query{a.queries + offset, a.y + offset, begin, position + 1, -std::numeric_limits<float>::infinity(), 0.0f};
    }
  }
  // Both bounds of the visible positions grow with the token.
  const int64_t end = queries[count - 1].end;
  for (int64_t p = queries[0].begin / kPiece * kPiece; p < end; p += kPiece) {
    const int64_t piece_end = p + kPiece < end ? p + kPiece : end;
    PieceOfCache piece{CacheAt(a, a.key_cache, kv_head, p), CacheAt(a, a.value_cache, kv_head, p), p, piece_end,
                       a.cache_dtype};
    if (a.cache_dtype == CI_F16 && count >= kQueriesWorthConversion) {
      piece.keys = ConvertPiece(simd, a, piece.keys, piece_end - p, keys);
      piece.values = ConvertPiece(simd, a, piece.values, piece_end - p, values);
      piece.dtype = CI_F32;
    }
    for (int64_t q = 0; q < count; ++q) AttendPiece(simd, a, piece, &queries[q]);
  }
  for (int64_t q = 0; q < count; ++q) simd.multiply(queries[q].y, a.head_dim, 1.0f / queries[q].sum);
}

void Attend(ci_context& c, const Attention& a) {
  RequireAttention(a);
  c.ReserveThreadScratch(ScratchBytes(a));
  const int64_t blocks = (int64_t{a.tokens} + TokensPerItem(a) - 1) / TokensPerItem(a);
  ParallelFor(c, blocks * a.kv_heads, [&](int64_t item, int32_t thread) {
    // The last tokens see the most positions: they start first.
    const int64_t first = (blocks - 1 - item / a.kv_heads) * TokensPerItem(a);
    const int64_t last = first + TokensPerItem(a) < a.tokens ? first + TokensPerItem(a) : a.tokens;
    AttendItem(c.simd, a, item % a.kv_heads, first, last, c.thread_scratch(thread));
  });
}

}  // namespace
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

int32_t ci_attention_decode(ci_context* context, const float* queries, int32_t tokens, int32_t heads, int32_t kv_heads,
                            int32_t head_dim, const int32_t* first_position, int32_t window, float scale,
                            int32_t capacity, int32_t cache_dtype, const void* key_cache, const void* value_cache,
                            float* y) {
  return coreinfer::Call("ci_attention_decode", context, [&](ci_context& c) {
    coreinfer::RequireRange("tokens", tokens, 1, CI_DECODE_TOKENS);
    coreinfer::RequirePointer("first_position", first_position);
    coreinfer::Attend(
        c, {tokens, heads, kv_heads, head_dim, *first_position, window, capacity, cache_dtype, scale, queries,
            static_cast<const uint8_t*>(key_cache), static_cast<const uint8_t*>(value_cache), y});
  });
}
