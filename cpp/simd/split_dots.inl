// Dot products of quantised rows with split vectors, for up to four tokens at once.
#pragma once

#include "simd/rows.inl"
#include "simd/split_blocks.inl"
#include "simd/split_super_blocks.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

inline int64_t SplitUnits(int64_t columns) { return (columns + kSplitUnit - 1) / kSplitUnit; }

template <class Units, int kTokens>
void TakeSplitDots(const uint8_t* row, const uint8_t* next, const SplitUnit* units, int64_t stride, int64_t columns,
                   float* out) {
  Vec sum[kTokens];
  for (int t = 0; t < kTokens; ++t) sum[t] = Zero();
  const uint8_t* const last = row + columns / Units::kUnitElements * Units::kUnitBytes;
  const int64_t ahead = next - row;
  for (; row != last; row += Units::kUnitBytes, units += Units::kUnitElements / kSplitUnit) {
    PrefetchLines<Units::kUnitBytes>(row + ahead);
    Units::template AddUnit<kTokens>(row, units, stride, sum);
  }
  const int64_t rest = columns % Units::kUnitElements;
  if (rest > 0) {
    // Blocks of zeros behind the last ones have a scale of 0.
    uint8_t blocks[Units::kUnitBytes] = {};
    memcpy(blocks, row, static_cast<size_t>(Units::kUnitBytes * rest / Units::kUnitElements));
    Units::template AddUnit<kTokens>(blocks, units, stride, sum);
  }
  for (int t = 0; t < kTokens; ++t) out[t] = Sum(sum[t]);
}

// Up to four tokens at once; the row stays in L1 for the others.
template <class Units>
void SplitDotEach(const uint8_t* row, const uint8_t* next, const SplitVectors& x, float* out) {
  const int64_t columns = x.columns;
  const int64_t stride = SplitUnits(columns) * x.step;
  int32_t t = 0;
  for (; t + 4 <= x.tokens; t += 4) {
    TakeSplitDots<Units, 4>(row, t == 0 ? next : row, x.units + t * stride, stride, columns, out + t);
  }
  for (; t + 2 <= x.tokens; t += 2) {
    TakeSplitDots<Units, 2>(row, t == 0 ? next : row, x.units + t * stride, stride, columns, out + t);
  }
  if (t < x.tokens) {
    TakeSplitDots<Units, 1>(row, t == 0 ? next : row, x.units + t * stride, stride, columns, out + t);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
