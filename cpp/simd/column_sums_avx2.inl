// Sums of rows that share scales, in integers, for AVX2: two rows at a time are interleaved, so that bytes are
// multiplied by pairs with the digits of two factors. Sums of 16 bits take as many pairs as fit, then those of 32 bits
// take them.
#pragma once

#include "simd/shared_pieces_avx2.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// The sums of 32 columns, eight in each vector.
template <class Pieces>
struct ColumnSums {
  using Factors = SplitFactors<Pieces::kMiddle>;

  explicit ColumnSums(int32_t start) {
    for (__m256i& v : columns) v = _mm256_set1_epi32(start);
  }

  // All rows of a group, from byte `at` on.
  void AddRows(const SharedRows& group, const Factors& factors, int64_t at) {
    for (int32_t row = 0; row < group.count; row += 2 * Pieces::kPairs) {
      const int32_t end = row + 2 * Pieces::kPairs < group.count ? row + 2 * Pieces::kPairs : group.count;
      AddPairs(group, factors, row, end, at);
    }
  }

  Vec Columns(int64_t v) const { return _mm256_cvtepi32_ps(columns[v]); }

 private:
  // Rows begin..end-1, as many as sums of 16 bits take.
  void AddPairs(const SharedRows& group, const Factors& factors, int32_t begin, int32_t end, int64_t at) {
    __m256i own[kDigits][2];
    for (auto& digit : own) digit[0] = digit[1] = _mm256_setzero_si256();
    for (int32_t row = begin; row < end; row += 2) {
      const __m256i first = Pieces::Read(group.rows[row] + at);
      // Behind the last row stands a factor of 0.
      const __m256i second = Pieces::Read(group.rows[row + 1 < group.count ? row + 1 : row] + at);
      const __m256i pairs[2] = {_mm256_unpacklo_epi8(first, second), _mm256_unpackhi_epi8(first, second)};
      if constexpr (kAreWords<Pieces::kMiddle>) {
        AddWords(pairs, BothWords(factors, row));
        continue;
      }
      for (int d = 0; d < kDigits; ++d) {
        const __m256i both = BothDigits(factors, d, row);
        for (int i = 0; i < 2; ++i) own[d][i] = _mm256_add_epi16(own[d][i], _mm256_maddubs_epi16(pairs[i], both));
      }
    }
    if constexpr (!kAreWords<Pieces::kMiddle>) AddNarrow(own);
  }

  // Digit d of two rows' factors, for each column.
  static __m256i BothDigits(const Factors& factors, int d, int32_t row) {
    int16_t both;
    memcpy(&both, factors.bytes[d] + row, sizeof(both));
    return _mm256_set1_epi16(both);
  }
  static __m256i BothWords(const Factors& factors, int32_t row) {
    int32_t both;
    memcpy(&both, factors.bytes[0] + int64_t{2} * row, sizeof(both));
    return _mm256_set1_epi32(both);
  }

  // Takes the digits' sums of 16 bits: of columns 0..7 and 16..23, and of 8..15 and 24..31.
  void AddNarrow(const __m256i (&sums)[kDigits][2]) {
    for (int i = 0; i < 2; ++i) {
      __m256i low = _mm256_setzero_si256();
      __m256i high = low;
      for (int d = 0; d < kDigits; ++d) {
        low = AddDigit(low, _mm256_castsi256_si128(sums[d][i]));
        high = AddDigit(high, _mm256_extracti128_si256(sums[d][i], 1));
      }
      columns[i] = _mm256_add_epi32(columns[i], low);
      columns[2 + i] = _mm256_add_epi32(columns[2 + i], high);
    }
  }

  static __m256i AddDigit(__m256i higher, __m128i digit) {
    return _mm256_add_epi32(_mm256_slli_epi32(higher, 8), _mm256_cvtepi16_epi32(digit));
  }

  // Takes codes of eight bits of two rows, in the same order, times their factors.
  void AddWords(const __m256i (&pairs)[2], __m256i both) {
    for (int i = 0; i < 2; ++i) {
      const __m256i low = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(pairs[i]));
      const __m256i high = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(pairs[i], 1));
      columns[i] = _mm256_add_epi32(columns[i], _mm256_madd_epi16(low, both));
      columns[2 + i] = _mm256_add_epi32(columns[2 + i], _mm256_madd_epi16(high, both));
    }
  }

  __m256i columns[4];
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
