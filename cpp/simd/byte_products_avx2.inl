// Products of codes and split vectors for AVX2.
#pragma once

#include "simd/four_digits.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// What sums of 16 bits with each digit add up to, by pairs.
inline __m256i JoinDigits(const __m256i (&sums)[kDigits]) {
  const __m256i one = _mm256_set1_epi16(1);
  if constexpr (kDigits == 1) return _mm256_madd_epi16(sums[0], one);
  return _mm256_add_epi32(_mm256_madd_epi16(sums[0], _mm256_set1_epi16(256)),
                          _mm256_madd_epi16(sums[kDigits - 1], one));
}

// The products of codes of both halves of two groups, pair `pair` of a unit: sums for each four lanes of either group.
inline __m256i MultiplyBoth(__m256i first, __m256i second, const SplitUnit& unit, int64_t pair) {
  __m256i sums[kDigits];
  for (int d = 0; d < kDigits; ++d) {
    sums[d] = _mm256_add_epi16(_mm256_maddubs_epi16(first, LoadBytes(unit.digits[d][0] + 32 * pair)),
                               _mm256_maddubs_epi16(second, LoadBytes(unit.digits[d][1] + 32 * pair)));
  }
  return JoinDigits(sums);
}

// Those of one half.
inline __m256i MultiplyHalf(__m256i codes, const SplitUnit& unit, int half, int64_t pair) {
  __m256i sums[kDigits];
  for (int d = 0; d < kDigits; ++d) {
    sums[d] = _mm256_maddubs_epi16(codes, LoadBytes(unit.digits[d][half] + 32 * pair));
  }
  return JoinDigits(sums);
}

// Tokens that have their sums in registers together: of a pack of rows, and of down rows.
constexpr int kTokensOfPack = 2;
constexpr int kTokensOfSlab = kDigits == 1 ? 4 : 2;

// For each lane, the products of four codes of kBits and four elements, on top of others: exact, if sums of 16 bits
// become such of 32 in time.
template <int kBits>
struct LaneSums {
  static constexpr int kMost = 1 << (7 - kBits);  // products before Flush: 8 of nibbles, 4 of five bits, 2 of six
  static constexpr bool kTakesTurns = false;

  using Four = FourDigits;

  void Start(int32_t start) {
    sum = _mm256_set1_epi32(start);
    for (__m256i& digit : narrow) digit = _mm256_setzero_si256();
  }
  void Add(Bytes codes, const Four& four) {
    for (int d = 0; d < kDigits; ++d) {
      narrow[d] = _mm256_add_epi16(narrow[d], _mm256_maddubs_epi16(codes, four.digit[d]));
    }
  }
  void Flush() {
    sum = _mm256_add_epi32(sum, JoinDigits(narrow));
    for (__m256i& digit : narrow) digit = _mm256_setzero_si256();
  }
  __m256i All() const { return _mm256_add_epi32(sum, JoinDigits(narrow)); }
  Vec Total(int32_t less = 0) const { return ToFloats(AddIntegers(All(), EachInteger(-less))); }

  __m256i sum;
  __m256i narrow[kDigits];
};

template <>
struct LaneSums<8> {
  static constexpr int kMost = 1 << 16;
  static constexpr bool kTakesTurns = false;

  struct Four {
    Four(const SplitUnit& unit, int half, int64_t at) { Take(Words(unit, half, 0) + at); }
    explicit Four(const int32_t (&words)[2]) { Take(words); }
    void Take(const void* words) {
      int64_t four;
      memcpy(&four, words, sizeof(four));
      all = _mm256_set1_epi64x(four);
    }
    __m256i all;
  };

  void Start(int32_t start) {
    low = _mm256_setzero_si256();
    high = low;
    middle = _mm256_set1_epi32(start);
  }
  void Add(Bytes codes, const Four& four) {
    const __m256i zero = _mm256_setzero_si256();
    low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi8(codes, zero), four.all));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi8(codes, zero), four.all));
  }
  void Flush() {}
  __m256i All() const { return _mm256_add_epi32(_mm256_hadd_epi32(low, high), middle); }
  Vec Total(int32_t less = 0) const { return ToFloats(AddIntegers(All(), EachInteger(-less))); }

  __m256i low;
  __m256i high;
  __m256i middle;
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
