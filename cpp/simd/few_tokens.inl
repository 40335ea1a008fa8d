// Tokens a few at a time, for kernels that read memory once for all of them.
#pragma once

#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Tokens that have their sums in registers.
template <int n>
struct Few {
  static constexpr int kTokens = n;
};

// Calls take(Few, first token) for kMost tokens, at most four, or the last few, until all had their turn.
template <int kMost = 4, class Take>
inline void ForFewTokens(int32_t tokens, const Take& take) {
  for (int32_t t = 0; t < tokens; t += kMost) {
    switch (tokens - t < kMost ? tokens - t : kMost) {
      case 1:
        take(Few<1>(), t);
        break;
      case 2:
        take(Few<2>(), t);
        break;
      case 3:
        if constexpr (kMost > 2) take(Few<3>(), t);
        break;
      default:
        take(Few<kMost>(), t);
    }
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
