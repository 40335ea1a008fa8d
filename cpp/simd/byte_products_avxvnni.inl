// Products of codes and split vectors for AVX-VNNI: bytes by fours to 32 bits, so that nothing has to be widened in
// time.
#pragma once

#include "simd/vnni_sums.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// The products of codes of both halves of two groups, pair `pair` of a unit: sums for each four lanes of either group.
inline __m256i MultiplyBoth(__m256i first, __m256i second, const SplitUnit& unit, int64_t pair) {
  __m256i sums[kDigits];
  for (int d = 0; d < kDigits; ++d) {
    sums[d] = AddProducts(NoBytes(), first, LoadBytes(unit.digits[d][0] + 32 * pair));
    sums[d] = AddProducts(sums[d], second, LoadBytes(unit.digits[d][1] + 32 * pair));
  }
  return JoinDigits(sums);
}

// Those of one half.
inline __m256i MultiplyHalf(__m256i codes, const SplitUnit& unit, int half, int64_t pair) {
  __m256i sums[kDigits];
  for (int d = 0; d < kDigits; ++d) {
    sums[d] = AddProducts(NoBytes(), codes, LoadBytes(unit.digits[d][half] + 32 * pair));
  }
  return JoinDigits(sums);
}

// Tokens that have their sums in registers together: of a pack of rows, and of down rows.
constexpr int kTokensOfPack = kDigits == 1 ? 4 : 2;
constexpr int kTokensOfSlab = kTokensOfPack;

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
