// Sums of rows that share scales, in integers, for AVX-VNNI: four rows at a time are interleaved, and their bytes
// multiplied with the digits of four factors.
#pragma once

#include "simd/shared_pieces_avx2.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// The sums of 32 columns.
template <class Pieces>
struct ColumnSums {
  using Factors = SplitFactors<Pieces::kMiddle>;

  explicit ColumnSums(int32_t start) {
    for (auto& v : sums) v.Start(start);
  }

  // All rows of a group, from byte `at` on.
  void AddRows(const SharedRows& group, const Factors& factors, int64_t at) {
    for (int32_t row = 0; row < group.count; row += 4) {
      __m256i rows[4];
      for (int32_t r = 0; r < 4; ++r) {
        // Behind the last row stand factors of 0.
        rows[r] = Pieces::Read(group.rows[row + r < group.count ? row + r : row] + at);
      }
      __m256i columns[4];
      Interleave(rows, columns);
      int32_t quad[2];
      factors.StoreQuad(row / 4, quad);
      const typename Sums::Four four(quad);
      for (int i = 0; i < 4; ++i) sums[i].Add(columns[i], four);
    }
  }

  // Columns 8 v .. 8 v + 7.
  Vec Columns(int64_t v) const {
    const int64_t pair = v % 2 * 2;
    const __m256i a = sums[pair].All();
    const __m256i b = sums[pair + 1].All();
    return _mm256_cvtepi32_ps(v < 2 ? _mm256_permute2x128_si256(a, b, 0x20) : _mm256_permute2x128_si256(a, b, 0x31));
  }

 private:
  using Sums = LaneSums<8>;  // of any codes
  Sums sums[4];
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
