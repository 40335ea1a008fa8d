// Sums of rows that share scales, in integers, for AVX2.
#pragma once

#include "simd/shared_rows.inl"
#if defined(__AVXVNNI__)
#include "simd/column_sums_avxvnni.inl"
#else
#include "simd/column_sums_avx2.inl"
#endif

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// All rows of a group for 32 columns, then the next columns. Factors that cannot be split are added in F32.
template <class Shared, class Pieces>
void AddSplitRows(const SharedRows& group, const SharedRows& next, int32_t begin, int32_t end, float* y) {
  using Sums = ColumnSums<Pieces>;
  typename Sums::Factors factors;
  if (!factors.Split(group.factors, group.count)) return AddSharedRows<Shared>(group, next, begin, end, y);
  RowStream stream(next, begin / 32 * Pieces::kBytes, (end - begin) / 32 * Pieces::kBytes, (end - begin) / 32);
  for (int64_t i = begin; i < end; i += 32) {
    stream.Step();
    Prefetch(next.block + 2 * i);
    Sums sums(factors.start);
    sums.AddRows(group, factors, i / 32 * Pieces::kBytes);
    Vec columns[kGroupVecs];
    for (int64_t v = 0; v < 4; ++v) columns[v] = Mul(Set(factors.step), sums.Columns(v));
    AddScaled<Shared>(group, i, columns, factors.total, y);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
