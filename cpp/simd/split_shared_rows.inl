// Sums of rows that share scales, in integers: the factors of a group are split as a vector is, and four rows at a time
// are interleaved, so that VNNI multiplies four codes of a column with four factors. The integers of a group are exact,
// as 32 products of 16 and 8 bits fit; so the error is that of splitting the factors (split.inl).
#pragma once

#include "simd/shared_rows.inl"
#include "simd/split_blocks.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// How four pieces of a row become codes without a sign, kMiddle more than the readers of quants.inl give.
struct NibblePieces {
  static constexpr int64_t kBytes = 16;
  static constexpr int32_t kMiddle = 8;
  static Codes Read(const uint8_t* pieces) { return SplitNibbles(_mm512_loadu_si512(pieces)); }
};
struct FivePieces {
  static constexpr int64_t kBytes = 20;
  static constexpr int32_t kMiddle = 16;
  static Codes Read(const uint8_t* pieces) { return FivesOf<kBytes>(pieces, pieces + 4); }
};
struct SixPieces {
  static constexpr int64_t kBytes = 24;
  static constexpr int32_t kMiddle = 32;
  static __m512i Place(__m512i tops, int64_t first, int64_t second) {
    const __m512i rotated =
        _mm512_rolv_epi64(tops, _mm512_setr_epi64(first, second, first, second, first, second, first, second));
    return _mm512_and_si512(rotated, _mm512_set1_epi8(0x30));
  }
  static Codes Read(const uint8_t* pieces) {
    const Codes low = NibblesOf<kBytes>(pieces);
    uint64_t tops[4];
    for (int64_t i = 0; i < 4; ++i) tops[i] = LoadBits64(pieces + i * kBytes + 16);
    const __m512i index = _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3);
    const __m512i all = _mm512_permutexvar_epi64(index, _mm512_castsi256_si512(Load32Bytes(tops)));
    return {_mm512_or_si512(low.first, Place(all, 4, 2)), _mm512_or_si512(low.second, Place(all, 0, 62))};
  }
};
// A lane each for the first halves of four pieces, then for the second ones, as the others have them.
struct BytePieces {
  static constexpr int64_t kBytes = 32;
  static constexpr int32_t kMiddle = 128;
  static Codes Read(const uint8_t* pieces) {
    const __m512i sign = _mm512_set1_epi8(-128);
    const __m512i low = _mm512_xor_si512(_mm512_loadu_si512(pieces), sign);
    const __m512i high = _mm512_xor_si512(_mm512_loadu_si512(pieces + 64), sign);
    return {_mm512_shuffle_i64x2(low, high, 0x88), _mm512_shuffle_i64x2(low, high, 0xdd)};
  }
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

// The sums of 128 columns, digit by digit. Vector 2 q + h has, in lane p of four numbers, the columns 32 p + 16 h + 4 q
// + 0..3.
constexpr int64_t kSumColumns = 128;
struct ColumnSums {
  ColumnSums() {
    for (auto& columns : sums) {
      for (__m512i& digit : columns) digit = _mm512_setzero_si512();
    }
  }

  // Half h of the columns of four rows, whose factors begin at `row` of a unit.
  void Add(const __m512i (&codes)[4], int half, const SplitUnit& factors, int32_t row) {
    __m512i columns[4];
    InterleaveRows(codes, columns);
#pragma GCC unroll 2
    for (int d = 0; d < kDigits; ++d) {
      int32_t four;
      memcpy(&four, factors.digits[d][row / 16] + row % 16, sizeof(four));
      const __m512i factor = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        __m512i& sum = sums[2 * q + half][d];
        sum = _mm512_dpbusd_epi32(sum, columns[q], factor);
      }
    }
  }

  // Vector i in steps of the factors, plus `start`.
  __m512i Total(int i, __m512i start) const { return _mm512_add_epi32(JoinDigits(sums[i]), start); }

  __m512i sums[8][kDigits];
};

// The codes of kSumColumns columns of a row from column i on; behind column `end` they are of no use.
template <class Pieces>
inline Codes ReadPieces(const uint8_t* row, int64_t i, int64_t end) {
  const uint8_t* pieces = row + i / 32 * Pieces::kBytes;
  if (end - i >= kSumColumns) return Pieces::Read(pieces);
  uint8_t copy[4 * Pieces::kBytes] = {};
  memcpy(copy, pieces, static_cast<size_t>((end - i) / 32 * Pieces::kBytes));
  return Pieces::Read(copy);
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

// Four rows' codes of 64 columns, 16 of each of four pieces: vector p becomes those of piece p, by columns.
inline void OrderColumns(const __m512i (&rows)[4], __m512i (&out)[4]) {
  __m512i columns[4];
  InterleaveRows(rows, columns);
  TransposeLanes(columns[0], columns[1], columns[2], columns[3], out);
}

// The factors of a group's rows, as the first group of a unit.
struct SplitFactors {
  bool Split(const SharedRows& group, int32_t middle) {
    memset(&unit, 0, sizeof(unit));
    float padded[32] = {};
    memcpy(padded, group.factors, static_cast<size_t>(group.count) * sizeof(float));
    if (!SplitGroup(padded, 0, &unit)) return false;
    const __m512i one = _mm512_set1_epi8(1);
    const int32_t sum = _mm512_reduce_add_epi32(MultiplyBoth(one, one, unit));
    start = _mm512_set1_epi32(-middle * sum);
    total = static_cast<float>(sum) * unit.step[0];
    return true;
  }

  SplitUnit unit;
  __m512i start;  // takes the middle of the codes away
  float total;
};

// y += the rows' sums of kSumColumns columns from i on.
template <class Shared>
inline void FinishSums(const SharedRows& group, const SplitFactors& factors, const ColumnSums& sums, int64_t i,
                       int64_t end, float* y) {
  __m512i c[8];
  for (int v = 0; v < 8; ++v) c[v] = sums.Total(v, factors.start);
  __m512i low[4];
  __m512i high[4];
  TransposeLanes(c[0], c[2], c[4], c[6], low);
  TransposeLanes(c[1], c[3], c[5], c[7], high);
  const Vec step = Set(factors.unit.step[0]);
  for (int64_t piece = 0; piece < 4 && i + 32 * piece < end; ++piece) {
    const Vec columns[2] = {Mul(step, _mm512_cvtepi32_ps(low[piece])), Mul(step, _mm512_cvtepi32_ps(high[piece]))};
    AddScaled<Shared>(group, i + 32 * piece, columns, factors.total, y);
  }
}

// All rows of a group for as many columns as have their sums in registers, then the next columns. Factors that cannot
// be split are added in F32.
template <class Shared, class Pieces>
void AddSplitRows(const SharedRows& group, const SharedRows& next, int32_t begin, int32_t end, float* y) {
  SplitFactors factors;
  if (!factors.Split(group, Pieces::kMiddle)) return AddSharedRows<Shared>(group, next, begin, end, y);
  const int64_t steps = (end - begin + kSumColumns - 1) / kSumColumns * ((group.count + 3) / 4);
  RowStream stream(next, begin / 32 * Pieces::kBytes, (end - begin) / 32 * Pieces::kBytes, steps);
  for (int64_t i = begin; i < end; i += kSumColumns) {
    for (int64_t at = 0; at < 2 * kSumColumns; at += 64) Prefetch(next.block + 2 * i + at);
    ColumnSums sums;
    for (int32_t row = 0; row < group.count; row += 4) {
      stream.Step();
      __m512i first[4];
      __m512i second[4];
#pragma GCC unroll 4
      for (int32_t r = 0; r < 4; ++r) {
        // Those past the last have factors of 0.
        const uint8_t* const from = group.rows[row + r < group.count ? row + r : group.count - 1];
        const Codes codes = ReadPieces<Pieces>(from, i, end);
        first[r] = codes.first;
        second[r] = codes.second;
      }
      sums.Add(first, 0, factors.unit, row);
      sums.Add(second, 1, factors.unit, row);
    }
    FinishSums<Shared>(group, factors, sums, i, end, y);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
