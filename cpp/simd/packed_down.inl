// Down rows that decoding adds again and again, packed: slabs of 64 columns, and in each the groups of rows one after
// another, so that a group's sums stay in registers, for several tokens at once, while memory is read in one stream. A
// group's sum is taken as shared_rows.inl and split_shared_rows.inl take it, and groups are added in their order: the
// bits are theirs.
//   A slab is, for each group, f16 scales (64), then its rows: four at a time with the codes of a column side by side,
//   two columns 16 apart in the same byte (Q4_0); or one after another, 64 bytes each (Q8_0). Rows that would fill up
//   the last four have factors of 0. Columns behind the last are 0.
#pragma once

#include "simd/few_tokens.inl"
#include "simd/split_shared_rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int64_t kSlabHeader = int64_t{2} * kSlabColumns;
constexpr int kSlabVecs = kSlabColumns / kLanes;

// y += vector v of a group's sums, times the columns' scales.
inline void AddScaledSum(const uint8_t* slab, int64_t v, Vec sum, float* y) {
  Store(y + v * kLanes, Fma(LoadF16(slab + 2 * v * kLanes), sum, Load(y + v * kLanes)));
}

struct PackedQuads {
  static constexpr int32_t kMiddle = NibblePieces::kMiddle;
  static constexpr int32_t kRows = 4;
  static constexpr int64_t kBytes = int64_t{2} * kSlabColumns;
  static constexpr bool kIsSplit = true;

  // Four rows' bytes of 16 columns and the 16 behind them become one vector.
  static void PackPiece(const uint8_t* const* rows, int64_t offset, uint8_t* out) {
    __m128i v[4];
    for (int r = 0; r < 4; ++r) v[r] = Load16Bytes(rows[r] + offset);
    const __m128i low_a = _mm_unpacklo_epi8(v[0], v[1]);
    const __m128i low_b = _mm_unpacklo_epi8(v[2], v[3]);
    const __m128i high_a = _mm_unpackhi_epi8(v[0], v[1]);
    const __m128i high_b = _mm_unpackhi_epi8(v[2], v[3]);
    auto* const target = reinterpret_cast<__m128i*>(out);
    _mm_store_si128(target, _mm_unpacklo_epi16(low_a, low_b));
    _mm_store_si128(target + 1, _mm_unpackhi_epi16(low_a, low_b));
    _mm_store_si128(target + 2, _mm_unpacklo_epi16(high_a, high_b));
    _mm_store_si128(target + 3, _mm_unpackhi_epi16(high_a, high_b));
  }

  static void Pack(const uint8_t* const* rows, int64_t column, int64_t columns, uint8_t* out) {
    memset(out, 0, static_cast<size_t>(kBytes));
    for (int64_t piece = 0; piece < columns / 32; ++piece) PackPiece(rows, (column + 32 * piece) / 2, out + 64 * piece);
  }

  // kPieces pieces from `piece` on: as many as have the sums of all tokens in registers.
  template <int kTokens, int kPieces>
  static void AddPieces(const uint8_t* slab, const PackedGroup* groups, int64_t piece, float* const* y) {
    __m512i high[kTokens][2 * kPieces];
    __m512i low[kTokens][2 * kPieces];
    for (int t = 0; t < kTokens; ++t) {
      for (int v = 0; v < 2 * kPieces; ++v) high[t][v] = low[t][v] = _mm512_setzero_si512();
    }
    const uint8_t* rows = slab + kSlabHeader + 64 * piece;
    for (int32_t quad = 0; 4 * quad < groups[0].count; ++quad, rows += kBytes) {
      if (kTokens == 1 && (groups[0].digits[quad][0] | groups[0].digits[quad][1]) == 0) continue;
#pragma GCC unroll 2
      for (int p = 0; p < kPieces; ++p) {
        const Codes codes = SplitNibbles(_mm512_load_si512(rows + int64_t{64} * p));
#pragma GCC unroll 4
        for (int t = 0; t < kTokens; ++t) {
          const __m512i first = _mm512_set1_epi32(groups[t].digits[quad][0]);
          const __m512i second = _mm512_set1_epi32(groups[t].digits[quad][1]);
          high[t][2 * p] = _mm512_dpbusd_epi32(high[t][2 * p], codes.first, first);
          low[t][2 * p] = _mm512_dpbusd_epi32(low[t][2 * p], codes.first, second);
          high[t][2 * p + 1] = _mm512_dpbusd_epi32(high[t][2 * p + 1], codes.second, first);
          low[t][2 * p + 1] = _mm512_dpbusd_epi32(low[t][2 * p + 1], codes.second, second);
        }
      }
    }
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      if (groups[t].is_idle) continue;
      const __m512i start = _mm512_set1_epi32(groups[t].start);
      const Vec step = Set(groups[t].step);
#pragma GCC unroll 4
      for (int v = 0; v < 2 * kPieces; ++v) {
        const __m512i total = _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(high[t][v], 8), low[t][v]), start);
        AddScaledSum(slab, 2 * piece + v, Mul(step, _mm512_cvtepi32_ps(total)), y[t]);
      }
    }
  }

  template <int kTokens>
  static void Add(const uint8_t* slab, const PackedGroup* groups, float* const* y) {
    if constexpr (kTokens <= 2) {
      AddPieces<kTokens, 2>(slab, groups, 0, y);
    } else {
      AddPieces<kTokens, 1>(slab, groups, 0, y);
      AddPieces<kTokens, 1>(slab, groups, 1, y);
    }
  }
};

struct PackedByteRows {
  static constexpr int32_t kMiddle = 0;
  static constexpr int32_t kRows = 1;
  static constexpr int64_t kBytes = kSlabColumns;
  static constexpr bool kIsSplit = false;

  static void Pack(const uint8_t* const* rows, int64_t column, int64_t columns, uint8_t* out) {
    memset(out, 0, static_cast<size_t>(kBytes));
    memcpy(out, rows[0] + column, static_cast<size_t>(columns));
  }

  template <int kTokens>
  static void Add(const uint8_t* slab, const PackedGroup* groups, float* const* y) {
    Vec sum[kTokens][kSlabVecs];
    for (auto& token : sum) {
      for (Vec& columns : token) columns = Zero();
    }
    const uint8_t* rows = slab + kSlabHeader;
    for (int32_t row = 0; row < groups[0].count; ++row, rows += kBytes) {
#pragma GCC unroll 4
      for (int64_t v = 0; v < kSlabVecs; ++v) {
        const Vec codes = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(Load16Bytes(rows + kLanes * v)));
#pragma GCC unroll 4
        for (int t = 0; t < kTokens; ++t) sum[t][v] = Fma(Set(groups[t].factors[row]), codes, sum[t][v]);
      }
    }
    for (int t = 0; t < kTokens; ++t) {
      if (groups[t].is_idle) continue;
      for (int64_t v = 0; v < kSlabVecs; ++v) AddScaledSum(slab, v, sum[t][v], y[t]);
    }
  }
};

template <class Rows>
constexpr int64_t PackedRowsBytes(int32_t count) {
  return (count + Rows::kRows - 1) / Rows::kRows * Rows::kBytes;
}

template <class Rows>
void PackDown(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
  memset(out, 0, static_cast<size_t>(kSlabHeader));
  memcpy(out, group.block + 2 * column, static_cast<size_t>(2 * columns));
  out += kSlabHeader;
  for (int32_t row = 0; row < group.count; row += Rows::kRows, out += Rows::kBytes) {
    const uint8_t* rows[Rows::kRows];
    for (int32_t r = 0; r < Rows::kRows; ++r) rows[r] = group.rows[row + r < group.count ? row + r : group.count - 1];
    Rows::Pack(rows, column, columns, out);
  }
}

// Factors of 0 change neither the step nor a sum, so it does not matter that they are not left out.
template <class Rows>
bool PrepareGroup(const float* factors, int32_t count, PackedGroup* group) {
  group->count = count;
  group->is_idle = true;
  for (int32_t i = 0; i < count; ++i) group->is_idle &= factors[i] == 0.0f;
  memset(group->digits, 0, sizeof(group->digits));
  if constexpr (!Rows::kIsSplit) {
    memcpy(group->factors, factors, static_cast<size_t>(count) * sizeof(float));
  } else if (!group->is_idle) {
    SplitUnit unit;
    if (!SplitFactorsOf(factors, count, Rows::kMiddle, &unit, &group->start)) return false;
    for (int64_t quad = 0; quad < 8; ++quad) {
      for (int digit = 0; digit < kDigits; ++digit) {
        memcpy(&group->digits[quad][digit], unit.digits[digit][quad / 4] + quad % 4 * 4, 4);
      }
    }
    group->step = unit.step[0];
  }
  return true;
}

// kTokens tokens, whose factors for a group lie one after another.
template <class Rows, int kTokens>
void AddGroups(const uint8_t* slab, const PackedGroup* groups, const PackedSum& sum, float* const* y) {
  constexpr int64_t kAhead = 4096;
  for (int64_t g = 0; g < sum.count; ++g, groups += sum.stride) {
    const int64_t bytes = kSlabHeader + PackedRowsBytes<Rows>(groups[0].count);
    for (int64_t at = 0; at < bytes; at += 64) Prefetch(slab + kAhead + at);
    if (kTokens > 1 || !groups[0].is_idle) Rows::template Add<kTokens>(slab, groups, y);
    slab += bytes;
  }
}

// The slab stays in the cache for further tokens.
template <class Rows>
void AddPackedDown(const uint8_t* slab, const PackedSum& sum, float* const* y) {
  ForFewTokens(sum.tokens,
               [&](auto few, int32_t t) { AddGroups<Rows, decltype(few)::kTokens>(slab, sum.groups + t, sum, y + t); });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
