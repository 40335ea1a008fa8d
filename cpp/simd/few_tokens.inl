// Tokens in fours, for kernels that read memory once for all of them.
#pragma once

#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Four tokens, or the last few: as many as have their sums in registers.
template <int n>
struct Few {
  static constexpr int kTokens = n;
};

// Calls take(Few, first token) until all tokens had their turn.
template <class Take>
inline void ForFewTokens(int32_t tokens, const Take& take) {
  for (int32_t t = 0; t < tokens; t += 4) {
    switch (tokens - t) {
      case 1:
        take(Few<1>(), t);
        break;
      case 2:
        take(Few<2>(), t);
        break;
      case 3:
        take(Few<3>(), t);
        break;
      default:
        take(Few<4>(), t);
    }
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
