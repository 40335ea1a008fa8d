// What codes of four columns, or of four rows, are multiplied with in every lane.
#pragma once

#if defined(__AVX512VNNI__)
#include "simd/split.inl"
#else
#include "simd/split_avx2.inl"
#endif

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Four elements of a unit, or four factors.
struct FourDigits {
  FourDigits(const SplitUnit& unit, int half, int64_t at) {
    for (int d = 0; d < kDigits; ++d) {
      int32_t four;
      memcpy(&four, unit.digits[d][half] + at, sizeof(four));
      digit[d] = EachInteger(four);
    }
  }
  explicit FourDigits(const int32_t (&digits)[2]) {
    for (int d = 0; d < kDigits; ++d) digit[d] = EachInteger(digits[d]);
  }

  Bytes digit[kDigits];
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
