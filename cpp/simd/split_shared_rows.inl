// Sums of rows of nibbles that share scales, in integers: the factors of a group are split as a vector is, and four
// rows at a time are interleaved, so that VNNI multiplies four codes of a column with four factors. The integers of a
// group are exact, 32 products of 22 and 4 bits, so the error is that of splitting the factors (split.inl).
#pragma once

#include "simd/shared_rows.inl"
#include "simd/split.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// 64 bytes of four rows hold 128 columns. Vector 2 q + h of their sums has, in lane p of four numbers, the columns
// 32 p + 16 h + 4 q + 0..3.
constexpr int64_t kNibbleColumns = 128;
struct NibbleSums {
  __m512i columns[8];
};

// The bytes of the same column of four rows, side by side.
inline void InterleaveRows(const __m512i (&rows)[4], __m512i (&out)[4]) {
  const __m512i low_a = _mm512_unpacklo_epi8(rows[0], rows[1]);
  const __m512i low_b = _mm512_unpacklo_epi8(rows[2], rows[3]);
  const __m512i high_a = _mm512_unpackhi_epi8(rows[0], rows[1]);
  const __m512i high_b = _mm512_unpackhi_epi8(rows[2], rows[3]);
  out[0] = _mm512_unpacklo_epi16(low_a, low_b);
  out[1] = _mm512_unpackhi_epi16(low_a, low_b);
  out[2] = _mm512_unpacklo_epi16(high_a, high_b);
  out[3] = _mm512_unpackhi_epi16(high_a, high_b);
}

// Four factors of four rows, digit by digit.
struct FactorDigits {
  FactorDigits(const SplitUnit& unit, int32_t row) {
    for (int d = 0; d < 3; ++d) {
      int32_t four;
      memcpy(&four, unit.digits[d][row / 16] + row % 16, sizeof(four));
      digit[d] = _mm512_set1_epi32(four);
    }
  }
  __m512i Times(__m512i codes) const {
    __m512i product = _mm512_dpbusd_epi32(_mm512_setzero_si512(), codes, digit[0]);
    product = _mm512_dpbusd_epi32(_mm512_slli_epi32(product, 8), codes, digit[1]);
    return _mm512_dpbusd_epi32(_mm512_slli_epi32(product, 8), codes, digit[2]);
  }
  __m512i digit[3];
};

// Adds four rows, of which those past the last have factors of 0. `mask` has a bit for each byte that is read.
inline void AddFourRows(const SharedRows& group, const SharedRows& next, int32_t row, const SplitUnit& factors,
                        int64_t begin, int64_t end, NibbleSums* sums) {
  const Upcoming<4> upcoming(group, next, row);
  const uint8_t* rows[4];
  for (int32_t r = 0; r < 4; ++r) rows[r] = group.rows[row + r < group.count ? row + r : group.count - 1];
  const FactorDigits own(factors, row);
  const __m512i nibble = _mm512_set1_epi8(15);
  for (int64_t i = begin; i < end; i += kNibbleColumns, ++sums) {
    upcoming.template Fetch<64, kNibbleColumns>(i / 2, i);
    const __mmask64 mask = end - i >= kNibbleColumns ? ~__mmask64{0} : (__mmask64{1} << ((end - i) / 2)) - 1;
    __m512i bytes[4];
    for (int r = 0; r < 4; ++r) bytes[r] = _mm512_maskz_loadu_epi8(mask, rows[r] + i / 2);
    __m512i columns[4];
    InterleaveRows(bytes, columns);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const __m512i low = _mm512_and_si512(columns[q], nibble);
      const __m512i high = _mm512_and_si512(_mm512_srli_epi16(columns[q], 4), nibble);
      sums->columns[2 * q] = _mm512_add_epi32(sums->columns[2 * q], own.Times(low));
      sums->columns[2 * q + 1] = _mm512_add_epi32(sums->columns[2 * q + 1], own.Times(high));
    }
  }
}

// Lane p of four vectors becomes vector p.
inline void TransposeLanes(__m512i a, __m512i b, __m512i c, __m512i d, __m512i (&out)[4]) {
  const __m512i ab_low = _mm512_shuffle_i32x4(a, b, 0x44);
  const __m512i ab_high = _mm512_shuffle_i32x4(a, b, 0xee);
  const __m512i cd_low = _mm512_shuffle_i32x4(c, d, 0x44);
  const __m512i cd_high = _mm512_shuffle_i32x4(c, d, 0xee);
  out[0] = _mm512_shuffle_i32x4(ab_low, cd_low, 0x88);
  out[1] = _mm512_shuffle_i32x4(ab_low, cd_low, 0xdd);
  out[2] = _mm512_shuffle_i32x4(ab_high, cd_high, 0x88);
  out[3] = _mm512_shuffle_i32x4(ab_high, cd_high, 0xdd);
}

template <class Shared>
void FinishNibbles(const SharedRows& group, const NibbleSums* sums, float step, float total, int64_t begin, int64_t end,
                   float* y) {
  for (int64_t i = begin; i < end; i += kNibbleColumns, ++sums) {
    __m512i low[4];
    __m512i high[4];
    const auto& c = sums->columns;
    TransposeLanes(c[0], c[2], c[4], c[6], low);
    TransposeLanes(c[1], c[3], c[5], c[7], high);
    for (int64_t piece = 0; piece < 4 && i + 32 * piece < end; ++piece) {
      const Vec columns[2] = {Mul(Set(step), _mm512_cvtepi32_ps(low[piece])),
                              Mul(Set(step), _mm512_cvtepi32_ps(high[piece]))};
      AddScaled<Shared>(group, i + 32 * piece, columns, total, y);
    }
  }
}

// Shared is of nibbles whose middle is 8. Factors that cannot be split are added in F32.
template <class Shared>
void AddSharedNibbles(const SharedRows& group, const SharedRows& next, int32_t begin, int32_t end, float* y) {
  SplitUnit factors;
  memset(&factors, 0, sizeof(factors));
  float padded[32] = {};
  memcpy(padded, group.factors, static_cast<size_t>(group.count) * sizeof(float));
  if (!SplitGroup(padded, 0, &factors)) return AddSharedRows<Shared>(group, next, begin, end, y);
  const __m512i one = _mm512_set1_epi8(1);
  const int32_t integers = _mm512_reduce_add_epi32(MultiplyBoth(one, one, factors));
  const float total = SumOfFactors(group);
  NibbleSums sums[kSharedPart / kNibbleColumns];
  for (int64_t first = begin; first < end; first += kSharedPart) {
    const int64_t last = first + kSharedPart < end ? first + kSharedPart : end;
    for (int64_t i = 0; i < last - first; i += kNibbleColumns) {
      for (__m512i& column : sums[i / kNibbleColumns].columns) column = _mm512_set1_epi32(-8 * integers);
    }
    for (int32_t row = 0; row < group.count; row += 4) AddFourRows(group, next, row, factors, first, last, sums);
    FinishNibbles<Shared>(group, sums, factors.step[0], total, first, last, y);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
