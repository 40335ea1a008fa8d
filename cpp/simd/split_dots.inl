// Dot products of quantised rows with split vectors: four rows at once, with up to four tokens.
#pragma once

#include "simd/rows.inl"
#if defined(__AVX512VNNI__)
#include "simd/split_blocks.inl"
#include "simd/split_super_blocks.inl"
#else
#include "simd/split_blocks_avx2.inl"
#endif

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Of a row that ends within a unit: blocks of zeros behind the last ones have a scale of 0.
template <class Units>
struct LastUnits {
  LastUnits(const FourRows& rows, int64_t bytes) {
    memset(blocks, 0, sizeof(blocks));
    for (int r = 0; r < 4; ++r) memcpy(blocks[r], rows.row[r], static_cast<size_t>(bytes));
  }
  FourRows rows() const { return {{blocks[0], blocks[1], blocks[2], blocks[3]}}; }

  uint8_t blocks[4][Units::kUnitBytes];
};

template <class Units, int kTokens>
void TakeSplitDots(const FourRows& rows, const FourRows& next, const SplitUnit* units, int64_t columns, float* out) {
  const int64_t stride = SplitUnits(columns);
  UnitSums<kTokens> sum;
  for (auto& token : sum) {
    for (Vec& v : token) v = Zero();
  }
  const int64_t end = columns / Units::kUnitElements * Units::kUnitBytes;
  int64_t ahead = 0;
  const uint8_t* const* fetched = next.row;
  for (int64_t at = 0; at < end; at += Units::kUnitBytes, units += Units::kUnitElements / kSplitUnit) {
    PrefetchLines<4 * Units::kUnitBytes>(*fetched + ahead);
    ahead += 4 * Units::kUnitBytes;
    if (ahead >= end) {
      ahead -= end;
      ++fetched;
    }
    Units::template AddUnit<kTokens>(rows.At(at), units, stride, sum);
  }
  const int64_t rest = columns % Units::kUnitElements;
  if (rest > 0) {
    const LastUnits<Units> last(rows.At(end), Units::kUnitBytes * rest / Units::kUnitElements);
    Units::template AddUnit<kTokens>(last.rows(), units, stride, sum);
  }
  for (int64_t t = 0; t < kTokens; ++t) _mm_storeu_ps(out + 4 * t, SumRows(sum[t]));
}

// Up to four tokens at once; the rows stay in L1 for the others.
template <class Units>
void SplitDotEach(const uint8_t* const* row, const uint8_t* const* next_row, const SplitVectors& x, float* out) {
  const FourRows rows = {{row[0], row[1], row[2], row[3]}};
  const FourRows next = {{next_row[0], next_row[1], next_row[2], next_row[3]}};
  const int64_t columns = x.columns;
  const int64_t stride = SplitUnits(columns);
  int64_t t = 0;
  for (; t + 4 <= x.tokens; t += 4) {
    TakeSplitDots<Units, 4>(rows, t == 0 ? next : rows, x.units + t * stride, columns, out + 4 * t);
  }
  for (; t + 2 <= x.tokens; t += 2) {
    TakeSplitDots<Units, 2>(rows, t == 0 ? next : rows, x.units + t * stride, columns, out + 4 * t);
  }
  if (t < x.tokens) {
    TakeSplitDots<Units, 1>(rows, t == 0 ? next : rows, x.units + t * stride, columns, out + 4 * t);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
