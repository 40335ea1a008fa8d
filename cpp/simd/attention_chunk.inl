// Softmax attention of a group of heads over a chunk of positions. Scores are taken for some keys and some heads at a
// time, so that both are loaded once, and added up across lanes together; values are weighted for some heads at a time,
// their sums in registers. Reading keys and values bounds the time where groups are small.
#pragma once

#include "simd/attention.inl"
#include "simd/readers.inl"
#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Positions whose values stay in L1 for all heads.
constexpr int64_t kValuePiece = 64;
constexpr int64_t kCacheBytesAhead = 4096;

// The scores of kQueries heads for kLanes / kQueries keys from `first` on; behind the last key it is taken again.
template <class Reader, int kQueries>
inline void ScoreTile(const AttentionChunk& chunk, int64_t head, int64_t first) {
  constexpr int kKeys = kLanes / kQueries;
  const int64_t dim = chunk.head_dim;
  const int64_t stride = dim * Reader::kBytes;
  const int64_t keys = chunk.count - first < kKeys ? chunk.count - first : kKeys;
  const float* queries = chunk.queries + head * dim;
  const uint8_t* key[kKeys];
  for (int k = 0; k < kKeys; ++k) key[k] = chunk.keys + (first + (k < keys ? k : keys - 1)) * stride;
  Vec sum[kLanes];
  for (int s = 0; s < kLanes; ++s) sum[s] = Zero();
  int64_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    Vec q[kQueries];
    for (int h = 0; h < kQueries; ++h) q[h] = Load(queries + h * dim + i);
#pragma GCC unroll 16
    for (int k = 0; k < kKeys; ++k) {
      const Vec values = Reader::Read(key[k] + i * Reader::kBytes);
#pragma GCC unroll 8
      for (int h = 0; h < kQueries; ++h) sum[h * kKeys + k] = Fma(q[h], values, sum[h * kKeys + k]);
    }
  }
  if (i < dim) {
    for (int k = 0; k < kKeys; ++k) {
      const Vec values = ReadPartial<Reader>(key[k] + i * Reader::kBytes, dim - i);
      for (int h = 0; h < kQueries; ++h) {
        sum[h * kKeys + k] = Fma(LoadPartial(queries + h * dim + i, dim - i), values, sum[h * kKeys + k]);
      }
    }
  }
  float scores[kLanes];
  Store(scores, Mul(Set(chunk.scale), SumEach(sum)));
  for (int64_t h = 0; h < kQueries; ++h) {
    float* out = chunk.weights + (head + h) * kAttentionChunk + first;
    if (keys == kKeys) {
      memcpy(out, scores + h * kKeys, sizeof(scores) / kQueries);
    } else {
      for (int64_t k = 0; k < keys; ++k) out[k] = scores[h * kKeys + k];
    }
  }
}

// y of kQueries heads, elements i..i + kVecs * kLanes - 1, += weights times the values of positions first..last-1.
template <class Reader, int kQueries, int kVecs>
inline void AddValues(const AttentionChunk& chunk, int64_t head, int64_t first, int64_t last, int64_t i) {
  const int64_t dim = chunk.head_dim;
  const float* weights = chunk.weights + head * kAttentionChunk;
  float* y = chunk.y + head * dim + i;
  Vec sum[kQueries][kVecs];
  for (int h = 0; h < kQueries; ++h) {
    for (int v = 0; v < kVecs; ++v) sum[h][v] = Load(y + h * dim + v * kLanes);
  }
  const uint8_t* row = chunk.values + (first * dim + i) * Reader::kBytes;
  for (int64_t p = first; p < last; ++p, row += dim * Reader::kBytes) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) {
      const Vec values = Reader::Read(row + v * kLanes * Reader::kBytes);
#pragma GCC unroll 8
      for (int h = 0; h < kQueries; ++h) {
        sum[h][v] = Fma(Set(weights[h * kAttentionChunk + p]), values, sum[h][v]);
      }
    }
  }
  for (int h = 0; h < kQueries; ++h) {
    for (int v = 0; v < kVecs; ++v) Store(y + h * dim + v * kLanes, sum[h][v]);
  }
}

// The elements behind the last whole vector.
template <class Reader>
void AddLastValues(const AttentionChunk& chunk, int64_t head, int64_t first, int64_t last, int64_t i) {
  const int64_t dim = chunk.head_dim;
  float* y = chunk.y + head * dim + i;
  Vec sum = LoadPartial(y, dim - i);
  for (int64_t p = first; p < last; ++p) {
    const Vec values = ReadPartial<Reader>(chunk.values + (p * dim + i) * Reader::kBytes, dim - i);
    sum = Fma(Set(chunk.weights[head * kAttentionChunk + p]), values, sum);
  }
  StorePartial(y, dim - i, sum);
}

template <class Reader, int kQueries>
inline void AddHeads(const AttentionChunk& chunk, int64_t head, int64_t first, int64_t last) {
  constexpr int kSums = kLanes == 16 ? 16 : 8;
  constexpr int kVecs = kQueries <= 4 ? kSums / 4 : kSums / 8;
  int64_t i = 0;
  for (; i + kVecs * kLanes <= chunk.head_dim; i += kVecs * kLanes) {
    AddValues<Reader, kQueries, kVecs>(chunk, head, first, last, i);
  }
  for (; i + kLanes <= chunk.head_dim; i += kLanes) AddValues<Reader, kQueries, 1>(chunk, head, first, last, i);
  for (int64_t h = head; i < chunk.head_dim && h < head + kQueries; ++h) {
    AddLastValues<Reader>(chunk, h, first, last, i);
  }
}

// Calls visit.Take<kQueries>(head, first, last) for all heads, as many at a time as registers hold.
template <class Visit>
inline void ForHeads(const Visit& visit, int64_t heads, int64_t first, int64_t last) {
  int64_t h = 0;
  if constexpr (kLanes >= 8) {
    for (; h + 8 <= heads; h += 8) visit.template Take<8>(h, first, last);
  }
  for (; h + 4 <= heads; h += 4) visit.template Take<4>(h, first, last);
  for (; h + 2 <= heads; h += 2) visit.template Take<2>(h, first, last);
  if (h < heads) visit.template Take<1>(h, first, last);
}

template <class Reader>
struct Scoring {
  template <int kQueries>
  void Take(int64_t head, int64_t first, int64_t last) const {
    for (int64_t k = first; k < last; k += kLanes / kQueries) ScoreTile<Reader, kQueries>(chunk, head, k);
  }
  const AttentionChunk& chunk;
};

template <class Reader>
struct Weighting {
  template <int kQueries>
  void Take(int64_t head, int64_t first, int64_t last) const {
    AddHeads<Reader, kQueries>(chunk, head, first, last);
  }
  const AttentionChunk& chunk;
};

// Fetches what is read kCacheBytesAhead after byte `at` of the keys, which the values follow.
inline void FetchAhead(const AttentionChunk& chunk, int64_t key_bytes, int64_t at, int64_t bytes) {
  for (int64_t ahead = at + kCacheBytesAhead; ahead < at + bytes + kCacheBytesAhead; ahead += 64) {
    if (ahead >= 2 * key_bytes) break;
    Prefetch(ahead < key_bytes ? chunk.keys + ahead : chunk.values + (ahead - key_bytes));
  }
}

template <class Reader>
void AttendChunk(const AttentionChunk& chunk) {
  const int64_t row_bytes = int64_t{chunk.head_dim} * Reader::kBytes;
  const int64_t key_bytes = chunk.count * row_bytes;
  for (int64_t first = 0; first < chunk.count; first += kLanes) {
    const int64_t last = first + kLanes < chunk.count ? first + kLanes : chunk.count;
    FetchAhead(chunk, key_bytes, first * row_bytes, kLanes * row_bytes);
    ForHeads(Scoring<Reader>{chunk}, chunk.heads, first, last);
  }
  for (int64_t h = 0; h < chunk.heads; ++h) {
    float* weights = chunk.weights + h * kAttentionChunk;
    chunk.largest[h] = LargestOf(weights, chunk.count);
    chunk.sum[h] = Exponentiate(weights, chunk.count, chunk.largest[h]);
  }
  memset(chunk.y, 0, static_cast<size_t>(chunk.heads) * static_cast<size_t>(chunk.head_dim) * sizeof(float));
  for (int64_t first = 0; first < chunk.count; first += kValuePiece) {
    const int64_t last = first + kValuePiece < chunk.count ? first + kValuePiece : chunk.count;
    FetchAhead(chunk, key_bytes, key_bytes + first * row_bytes, kValuePiece * row_bytes);
    ForHeads(Weighting<Reader>{chunk}, chunk.heads, first, last);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
