// The pieces of softmax attention for one query: scores against consecutive keys, and the exponentials of a row.
#pragma once

#include "simd/elementwise.inl"
#include "simd/readers.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// kKeys dot products at once, each with one accumulator, so that a query's vector is loaded once for all of them.
template <class Reader, int kKeys>
inline void ScoreSomeKeys(const float* query, const uint8_t* keys, int64_t head_dim, float scale, float* scores) {
  const int64_t stride = head_dim * Reader::kBytes;
  Vec sum[kKeys];
  for (int k = 0; k < kKeys; ++k) sum[k] = Zero();
  int64_t i = 0;
  for (; i + kLanes <= head_dim; i += kLanes) {
    const Vec q = Load(query + i);
#pragma GCC unroll 8
    for (int k = 0; k < kKeys; ++k) sum[k] = Fma(q, Reader::Read(keys + k * stride + i * Reader::kBytes), sum[k]);
  }
  if (i < head_dim) {
    const Vec q = LoadPartial(query + i, head_dim - i);
    for (int k = 0; k < kKeys; ++k) {
      sum[k] = Fma(q, ReadPartial<Reader>(keys + k * stride + i * Reader::kBytes, head_dim - i), sum[k]);
    }
  }
  for (int k = 0; k < kKeys; ++k) scores[k] = scale * Sum(sum[k]);
}

template <class Reader>
void ScoreKeys(const float* query, const uint8_t* keys, int32_t count, int32_t head_dim, float scale, float* scores) {
  const int64_t stride = head_dim * Reader::kBytes;
  int32_t k = 0;
  for (; k + 8 <= count; k += 8) ScoreSomeKeys<Reader, 8>(query, keys + k * stride, head_dim, scale, scores + k);
  for (; k < count; ++k) ScoreSomeKeys<Reader, 1>(query, keys + k * stride, head_dim, scale, scores + k);
}

float LargestOf(const float* x, int32_t count) {
  float largest = x[0];
  int32_t i = 0;
  if (count >= kLanes) {
    Vec v = Load(x);
    for (i = kLanes; i + kLanes <= count; i += kLanes) v = Max(v, Load(x + i));
    largest = Largest(v);
  }
  for (; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

float Exponentiate(float* x, int32_t count, float shift) {
  const Vec minus = Set(shift);
  Vec sum = Zero();
  int32_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vec e = Exp(Sub(Load(x + i), minus));
    Store(x + i, e);
    sum = Add(sum, e);
  }
  float total = Sum(sum);
  if (i < count) {
    StorePartial(x + i, count - i, Exp(Sub(LoadPartial(x + i, count - i), minus)));
    for (; i < count; ++i) total += x[i];
  }
  return total;
}

void Multiply(float* x, int32_t count, float factor) {
  ForEach(x, x, count, x, [factor](Vec v, Vec) { return Mul(v, Set(factor)); });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
