// Products of codes and split vectors for AVX-VNNI: bytes by fours to 32 bits, so that nothing has to be widened in
// time.
#pragma once

#include "simd/split_avx2.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// What sums with each digit add up to.
inline __m256i JoinDigits(const __m256i (&sums)[kDigits]) {
  if constexpr (kDigits == 1) return sums[0];
  return _mm256_add_epi32(_mm256_slli_epi32(sums[0], 8), sums[kDigits - 1]);
}

// The products of codes of both halves of two groups, pair `pair` of a unit: sums for each four lanes of either group.
inline __m256i MultiplyBoth(__m256i first, __m256i second, const SplitUnit& unit, int64_t pair) {
  __m256i sums[kDigits];
  for (int d = 0; d < kDigits; ++d) {
    sums[d] = _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), first, LoadBytes(unit.digits[d][0] + 32 * pair));
    sums[d] = _mm256_dpbusd_avx_epi32(sums[d], second, LoadBytes(unit.digits[d][1] + 32 * pair));
  }
  return JoinDigits(sums);
}

// Those of one half.
inline __m256i MultiplyHalf(__m256i codes, const SplitUnit& unit, int half, int64_t pair) {
  __m256i sums[kDigits];
  for (int d = 0; d < kDigits; ++d) {
    sums[d] = _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), codes, LoadBytes(unit.digits[d][half] + 32 * pair));
  }
  return JoinDigits(sums);
}

// Tokens that have their sums in registers together: of a pack of rows, and of down rows.
constexpr int kTokensOfPack = kDigits == 1 ? 4 : 2;
constexpr int kTokensOfSlab = kTokensOfPack;

// For each lane, the products of four codes of kBits and four elements, on top of others: exact.
template <int kBits>
struct LaneSums {
  static constexpr int kMost = 1 << 16;                            // products before Flush
  static constexpr bool kTakesTurns = kBits == 8 && kDigits == 2;  // of others, codes take time to read

  // Four elements of a unit, or four factors, in every lane.
  struct Four {
    Four(const SplitUnit& unit, int half, int64_t at) {
      for (int d = 0; d < kDigits; ++d) {
        int32_t four;
        memcpy(&four, unit.digits[d][half] + at, sizeof(four));
        digit[d] = _mm256_set1_epi32(four);
      }
    }
    explicit Four(const int32_t (&digits)[2]) {
      for (int d = 0; d < kDigits; ++d) digit[d] = _mm256_set1_epi32(digits[d]);
    }
    __m256i digit[kDigits];
  };

  void Start(int32_t start) {
    sum[0] = _mm256_setzero_si256();
    sum[kDigits - 1] = _mm256_set1_epi32(start);
  }
  void Add(Bytes codes, const Four& four) {
    for (int d = 0; d < kDigits; ++d) sum[d] = _mm256_dpbusd_avx_epi32(sum[d], codes, four.digit[d]);
  }
  void Flush() {}
  void Join(const LaneSums& other) {
    for (int d = 0; d < kDigits; ++d) sum[d] = _mm256_add_epi32(sum[d], other.sum[d]);
  }
  __m256i All() const { return JoinDigits(sum); }
  Vec Total(int32_t less = 0) const { return _mm256_cvtepi32_ps(_mm256_sub_epi32(All(), _mm256_set1_epi32(less))); }

  __m256i sum[kDigits];
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
