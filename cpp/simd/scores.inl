// Loops over the activations of a token, from which neurons are scored. Each is one pass in plain C++, which the
// compiler turns into vectors of the instruction set.
#pragma once

#include <stdint.h>

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// |x| or x.
template <bool magnitude>
inline float Rated(float x) {
  return magnitude ? __builtin_fabsf(x) : x;
}

template <bool magnitude>
int32_t CountFrom(const float* x, int32_t count, float least) {
  int32_t found = 0;
  for (int32_t i = 0; i < count; ++i) found += Rated<magnitude>(x[i]) >= least ? 1 : 0;
  return found;
}

// Most blocks hold none, which a vector comparison shows.
template <bool magnitude>
int32_t TakeBetween(const float* x, int32_t count, float low, float high, float* out) {
  constexpr int32_t kBlock = 32;
  int32_t taken = 0;
  for (int32_t begin = 0; begin < count; begin += kBlock) {
    const int32_t end = count - begin < kBlock ? count : begin + kBlock;
    int32_t found = 0;
    if (end - begin == kBlock) {
      for (int32_t i = 0; i < kBlock; ++i) {
        const float value = Rated<magnitude>(x[begin + i]);
        found |= (value >= low ? 1 : 0) & (value <= high ? 1 : 0);
      }
      if (found == 0) continue;
    }
    for (int32_t i = begin; i < end; ++i) {
      const float value = Rated<magnitude>(x[i]);
      out[taken] = value;
      taken += (value >= low ? 1 : 0) & (value <= high ? 1 : 0);
    }
  }
  return taken;
}

template <bool magnitude>
void AddFrom(const float* x, int32_t count, float least, int32_t* counts) {
  for (int32_t i = 0; i < count; ++i) counts[i] += Rated<magnitude>(x[i]) >= least ? 1 : 0;
}

double SumOfSquares(const float* x, int64_t count) {
  constexpr int kSums = 8;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (int s = 0; s < kSums; ++s) sums[s] += double{x[i + s]} * double{x[i + s]};
  }
  for (; i < count; ++i) sums[0] += double{x[i]} * double{x[i]};
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

void AddSquares(const float* x, int64_t count, double factor, double* sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += double{x[i]} * double{x[i]} * factor;
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
