// Causal attention of a prompt. A work item is one key-value head and a block of queries, the heads of its group for
// some tokens: it walks the visible positions in pieces, converts each once, multiplies all queries that see it with
// its keys, and keeps a running softmax per query (Dao et al., arXiv 2205.14135). Pieces begin at multiples of kPiece,
// so a query's result does not depend on what else is computed. Arithmetic bounds the time.
#include <cmath>
#include <cstring>
#include <limits>

#include "attention.h"
#include "attention_products.h"
#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

static_assert(CI_CACHE_PAGE % kPiece == 0, "a piece lies in one page");

// Queries that share a conversion of keys and values.
constexpr int32_t kQueriesPerItem = 256;

// The running softmax of a query over the positions it sees, begin..end-1.
struct Softmax {
  int64_t begin;
  int64_t end;
  float largest;
  float sum;
};

int32_t TokensPerItem(const Attention& a) {
  const int32_t tokens = a.group() >= kQueriesPerItem ? 1 : kQueriesPerItem / a.group();
  return tokens < a.tokens ? tokens : a.tokens;
}

// What an item needs beside its products.
struct Buffers {
  float* queries;   // (queries, stride)
  float* sums;      // (queries, stride)
  float* scores;    // (queries, kPiece)
  float* keys;      // (kPiece, stride)
  float* values;    // (kPiece, stride)
  Softmax* states;  // (queries)
  uint8_t* products;
};

int64_t Rounded(int64_t bytes) { return (bytes + 63) / 64 * 64; }

int64_t BufferBytes(const PieceShape& shape) {
  const int64_t floats = 2 * (int64_t{shape.queries} + kPiece) * shape.stride() + int64_t{shape.queries} * kPiece;
  return floats * static_cast<int64_t>(sizeof(float)) + Rounded(shape.queries * static_cast<int64_t>(sizeof(Softmax)));
}

Buffers Divide(const PieceShape& shape, uint8_t* scratch) {
  Buffers buffers;
  const int64_t matrix = int64_t{shape.queries} * shape.stride();
  buffers.queries = reinterpret_cast<float*>(scratch);
  buffers.sums = buffers.queries + matrix;
  buffers.keys = buffers.sums + matrix;
  buffers.values = buffers.keys + kPiece * shape.stride();
  buffers.scores = buffers.values + kPiece * shape.stride();
  buffers.states = reinterpret_cast<Softmax*>(buffers.scores + int64_t{shape.queries} * kPiece);
  buffers.products = scratch + BufferBytes(shape);
  return buffers;
}

// The queries of one key-value head for some tokens; query i is head i % group of token i / group.
struct Item {
  const Attention& a;
  const PieceShape& shape;
  int64_t kv_head;
  int64_t first_token;

  int64_t offset(int64_t query) const {
    const int64_t token = first_token + query / a.group();
    return (token * a.heads + kv_head * a.group() + query % a.group()) * a.cache.head_dim;
  }
};

void Start(const Item& item, const Buffers& buffers) {
  const Attention& a = item.a;
  const int64_t stride = item.shape.stride();
  const auto row_bytes = sizeof(float) * static_cast<size_t>(a.cache.head_dim);
  // The padding, too: nothing else writes it.
  std::memset(buffers.queries, 0, static_cast<size_t>(BufferBytes(item.shape)));
  for (int64_t q = 0; q < item.shape.queries; ++q) {
    std::memcpy(buffers.queries + q * stride, a.queries + item.offset(q), row_bytes);
    const int64_t token = item.first_token + q / a.group();
    buffers.states[q] = {a.first_visible(token), a.first_position + token + 1, -std::numeric_limits<float>::infinity(),
                         0.0f};
  }
}

// Rows of the cache, one after another.
void ConvertPiece(const ci_context& c, const Item& item, const uint8_t* first, int32_t positions, float* out) {
  const Cache& cache = item.a.cache;
  const Matrix rows{first, cache.row_bytes(), cache.dtype, positions, cache.head_dim};
  c.simd.dequantize(&rows, 0, positions, 0, cache.head_dim, out, item.shape.stride());
}

// Turns a query's scores for the positions first..first+positions-1 into weights, 0 for those that it does not see.
void Weigh(const ci_context& c, const PieceShape& shape, float scale, int64_t first, int32_t positions, Softmax* state,
           float* scores, float* sums) {
  const int64_t begin = state->begin > first ? state->begin - first : 0;
  const int64_t end = state->end - first < positions ? state->end - first : positions;
  if (begin >= end) {
    std::memset(scores, 0, sizeof(float) * kPiece);
    return;
  }
  const auto count = static_cast<int32_t>(end - begin);
  float* seen = scores + begin;
  c.simd.multiply(seen, count, scale);
  const float largest = c.simd.largest(seen, count);
  if (!(largest <= state->largest)) {
    const float correction = std::exp(state->largest - largest);
    state->sum *= correction;
    c.simd.multiply(sums, shape.head_dim, correction);
    state->largest = largest;
  }
  state->sum += c.simd.exponentiate(seen, count, state->largest);
  std::memset(scores, 0, sizeof(float) * static_cast<size_t>(begin));
  std::memset(scores + end, 0, sizeof(float) * static_cast<size_t>(kPiece - end));
}

// Both bounds of the visible positions grow with the query.
QueryRange QueriesThatSee(const PieceShape& shape, const Softmax* states, int64_t begin, int64_t end) {
  QueryRange range{0, shape.queries};
  while (range.begin < range.end && states[range.begin].end <= begin) ++range.begin;
  while (range.begin < range.end && states[range.end - 1].begin >= end) --range.end;
  range.begin = range.begin / 32 * 32;
  return range;
}

void AttendItem(const ci_context& c, const Item& item, uint8_t* scratch) {
  const Attention& a = item.a;
  const PieceShape& shape = item.shape;
  const Buffers buffers = Divide(shape, scratch);
  Start(item, buffers);
  PieceProducts products(c, shape, buffers.queries, buffers.products);
  const int64_t end = buffers.states[shape.queries - 1].end;
  for (int64_t p = buffers.states[0].begin / kPiece * kPiece; p < end; p += kPiece) {
    const auto positions = static_cast<int32_t>(end - p < kPiece ? end - p : kPiece);
    const QueryRange range = QueriesThatSee(shape, buffers.states, p, p + positions);
    ConvertPiece(c, item, a.cache.keys(item.kv_head, p), positions, buffers.keys);
    products.Score(buffers.keys, positions, range, buffers.scores);
    for (int64_t q = range.begin; q < range.end; ++q) {
      Weigh(c, shape, a.scale, p, positions, &buffers.states[q], buffers.scores + q * kPiece,
            buffers.sums + q * shape.stride());
    }
    ConvertPiece(c, item, a.cache.values(item.kv_head, p), positions, buffers.values);
    if (positions < kPiece) {
      std::memset(buffers.values + positions * shape.stride(), 0,
                  sizeof(float) * static_cast<size_t>((kPiece - positions) * shape.stride()));
    }
    products.AddValues(buffers.values, positions, range, buffers.scores, buffers.sums);
  }
  for (int64_t q = 0; q < shape.queries; ++q) {
    float* sums = buffers.sums + q * shape.stride();
    c.simd.multiply(sums, a.cache.head_dim, 1.0f / buffers.states[q].sum);
    std::memcpy(a.y + item.offset(q), sums, sizeof(float) * static_cast<size_t>(a.cache.head_dim));
  }
}

void AttendPrompt(ci_context& c, const Attention& a) {
  RequireAttention(a);
  RequirePages(a.cache, a.first_visible(0), int64_t{a.first_position} + a.tokens);
  const int64_t step = TokensPerItem(a);
  const int64_t blocks = (a.tokens + step - 1) / step;
  const auto shape_of = [&](int64_t tokens) {
    return PieceShape{static_cast<int32_t>(tokens * a.group()), a.cache.head_dim, a.cache.dtype == CI_F16};
  };
  c.ReserveThreadScratch(BufferBytes(shape_of(step)) + PieceProducts::ScratchBytes(c, shape_of(step)));
  ParallelFor(c, blocks * a.cache.kv_heads, [&](int64_t item, int32_t thread) {
    // The last tokens see the most positions: they start first.
    const int64_t first = (blocks - 1 - item / a.cache.kv_heads) * step;
    const PieceShape shape = shape_of(first + step < a.tokens ? step : a.tokens - first);
    AttendItem(c, {a, shape, item % a.cache.kv_heads, first}, c.thread_scratch(thread));
  });
}

}  // namespace
}  // namespace coreinfer

int32_t ci_attention_prefill(ci_context* context, const float* queries, int32_t tokens, int32_t heads, int32_t kv_heads,
                             int32_t head_dim, const int32_t* first_position, int32_t window, float scale,
                             int32_t capacity, int32_t cache_dtype, const uint64_t* pages, float* y) {
  return coreinfer::Call("ci_attention_prefill", context, [&](ci_context& c) {
    coreinfer::RequirePointer("first_position", first_position);
    coreinfer::AttendPrompt(c, {tokens,
                                heads,
                                *first_position,
                                window,
                                scale,
                                queries,
                                {kv_heads, head_dim, capacity, cache_dtype, pages},
                                y});
  });
}
