// Down rows that decoding adds again and again, packed: slabs of 128 columns, and in each the groups of rows one after
// another, so that a group's sums stay in registers, for several tokens at once, while memory is read in one stream. A
// group's sum is taken as split_shared_rows.inl takes it, and groups are added in their order: the bits are theirs.
//   A slab is, for each group, f16 scales (128), then its rows: four at a time with the codes of a column side by side,
//   and those that are left one by one, as core neurons leave few of a group. A code is a byte (Q8_0), or two columns
//   16 apart share one (Q4_0). Columns behind the last are 0.
#pragma once

#include "simd/few_tokens.inl"
#include "simd/split_shared_rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int64_t kSlabHeader = int64_t{2} * kSlabColumns;

// Sixteen columns of four rows: the codes of a column become neighbours.
inline void PackQuad(const uint8_t* const* rows, int64_t offset, __m128i change, uint8_t* out) {
  __m128i v[4];
  for (int r = 0; r < 4; ++r) v[r] = _mm_xor_si128(Load16Bytes(rows[r] + offset), change);
  const __m128i low_a = _mm_unpacklo_epi8(v[0], v[1]);
  const __m128i low_b = _mm_unpacklo_epi8(v[2], v[3]);
  const __m128i high_a = _mm_unpackhi_epi8(v[0], v[1]);
  const __m128i high_b = _mm_unpackhi_epi8(v[2], v[3]);
  auto* const target = reinterpret_cast<__m128i*>(out);
  _mm_stream_si128(target, _mm_unpacklo_epi16(low_a, low_b));
  _mm_stream_si128(target + 1, _mm_unpackhi_epi16(low_a, low_b));
  _mm_stream_si128(target + 2, _mm_unpacklo_epi16(high_a, high_b));
  _mm_stream_si128(target + 3, _mm_unpackhi_epi16(high_a, high_b));
}

// Sixteen bytes of up to three rows: byte r of a lane is row r's.
inline __m512i LanesOf(const uint8_t* rows, int64_t stride, int32_t count) {
  __m512i lanes = _mm512_cvtepu8_epi32(Load16Bytes(rows));
  for (int32_t r = 1; r < count; ++r) {
    const __m512i row = _mm512_cvtepu8_epi32(Load16Bytes(rows + r * stride));
    lanes = _mm512_or_si512(lanes, _mm512_slli_epi32(row, static_cast<unsigned>(8 * r)));
  }
  return lanes;
}

// 32 columns of four rows, or of one: nibbles as they are in the file, or bytes without a sign.
struct NibblePacks {
  static constexpr int32_t kMiddle = NibblePieces::kMiddle;
  static constexpr int64_t kBytes = 16;
  static void PackFour(const uint8_t* const* rows, int64_t column, uint8_t* out) {
    PackQuad(rows, column / 2, _mm_setzero_si128(), out);
  }
  static void PackOne(const uint8_t* row, int64_t column, uint8_t* out) { memcpy(out, row + column / 2, 16); }
  static Codes ReadFour(const uint8_t* piece) { return SplitNibbles(_mm512_loadu_si512(piece)); }
  static Codes ReadFew(const uint8_t* piece, int64_t stride, int32_t count) {
    return SplitNibbles(LanesOf(piece, stride, count));
  }
};
struct BytePacks {
  static constexpr int32_t kMiddle = BytePieces::kMiddle;
  static constexpr int64_t kBytes = 32;
  static __m128i Sign() { return _mm_set1_epi8(-128); }
  static void PackFour(const uint8_t* const* rows, int64_t column, uint8_t* out) {
    PackQuad(rows, column, Sign(), out);
    PackQuad(rows, column + 16, Sign(), out + 64);
  }
  static void PackOne(const uint8_t* row, int64_t column, uint8_t* out) {
    for (int64_t i = 0; i < 32; i += 16) {
      const __m128i codes = _mm_xor_si128(Load16Bytes(row + column + i), Sign());
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), codes);
    }
  }
  static Codes ReadFour(const uint8_t* piece) { return {_mm512_loadu_si512(piece), _mm512_loadu_si512(piece + 64)}; }
  static Codes ReadFew(const uint8_t* piece, int64_t stride, int32_t count) {
    return {LanesOf(piece, stride, count), LanesOf(piece + 16, stride, count)};
  }
};

template <class Packs>
constexpr int64_t kPackedRowBytes = kSlabColumns / 32 * Packs::kBytes;

// Slabs are fetched so far ahead, line by line beside what is read, as the processor takes but few requests at once.
constexpr int64_t kSlabAhead = 4096;

// kPieces pieces from `piece` on: as many as have the sums of all tokens in registers.
template <class Packs, int kTokens, int kPieces>
void AddPieces(const uint8_t* slab, const PackedGroup* groups, int64_t piece, float* const* y) {
  constexpr int64_t kRowBytes = kPackedRowBytes<Packs>;
  __m512i high[kTokens][2 * kPieces];
  __m512i low[kTokens][2 * kPieces];
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    const __m512i start = _mm512_set1_epi32(groups[t].start);
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPieces; ++v) {
      high[t][v] = _mm512_setzero_si512();
      low[t][v] = start;
    }
  }
  const uint8_t* rows = slab + kSlabHeader;
  int32_t left = groups[0].count;
  for (int32_t quad = 0; left > 0; ++quad, left -= 4, rows += 4 * kRowBytes) {
    const uint8_t* const four = rows + 4 * Packs::kBytes * piece;
    for (int64_t at = 0; at < 4 * Packs::kBytes * kPieces; at += 64) Prefetch(four + kSlabAhead + at);
    if (kTokens == 1 && (groups[0].digits[quad][0] | groups[0].digits[quad][1]) == 0) continue;
#pragma GCC unroll 4
    for (int p = 0; p < kPieces; ++p) {
      const Codes codes = left >= 4 ? Packs::ReadFour(four + 4 * Packs::kBytes * p)
                                    : Packs::ReadFew(rows + Packs::kBytes * (piece + p), kRowBytes, left);
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
#pragma GCC unroll 8
  for (int v = 0; v < 2 * kPieces; ++v) {
    const int64_t at = (2 * piece + v) * kLanes;
    const Vec scale = LoadF16(slab + 2 * at);
    if (v % 2 == 0) Prefetch(slab + kSlabAhead + 2 * at);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      if (groups[t].is_idle) continue;
      const __m512i total = _mm512_add_epi32(_mm512_slli_epi32(high[t][v], 8), low[t][v]);
      const Vec sum = Mul(Set(groups[t].step), _mm512_cvtepi32_ps(total));
      Store(y[t] + at, Fma(scale, sum, Load(y[t] + at)));
    }
  }
}

template <class Packs, int kTokens>
void AddGroup(const uint8_t* slab, const PackedGroup* groups, float* const* y) {
  constexpr int kPieces = kTokens == 1 ? 4 : kTokens == 2 ? 2 : 1;
  for (int64_t piece = 0; piece < kSlabColumns / 32; piece += kPieces) {
    AddPieces<Packs, kTokens, kPieces>(slab, groups, piece, y);
  }
}

template <class Packs>
void PackDown(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
  if (columns < kSlabColumns) memset(out, 0, static_cast<size_t>(kSlabHeader + group.count * kPackedRowBytes<Packs>));
  memcpy(out, group.block + 2 * column, static_cast<size_t>(2 * columns));
  out += kSlabHeader;
  int32_t row = 0;
  for (int32_t r = 0; r < group.count; ++r) {
    PrefetchLines<kPackedRowBytes<Packs>>(group.rows[r] + (column + 2 * kSlabColumns) / 32 * Packs::kBytes);
  }
  for (; row + 4 <= group.count; row += 4, out += 4 * kPackedRowBytes<Packs>) {
    for (int64_t i = 0; i < columns; i += 32) {
      Packs::PackFour(group.rows + row, column + i, out + i / 8 * Packs::kBytes);
    }
  }
  for (; row < group.count; ++row, out += kPackedRowBytes<Packs>) {
    for (int64_t i = 0; i < columns; i += 32) Packs::PackOne(group.rows[row], column + i, out + i / 32 * Packs::kBytes);
  }
}

// Factors of 0 change neither the step nor a sum, so it does not matter that they are not left out.
template <int32_t kMiddle>
bool PrepareGroup(const float* factors, int32_t count, PackedGroup* group) {
  *group = {};
  group->count = count;
  group->is_idle = true;
  for (int32_t i = 0; i < count; ++i) group->is_idle &= factors[i] == 0.0f;
  if (group->is_idle) return true;
  SplitUnit unit;
  if (!SplitFactorsOf(factors, count, kMiddle, &unit, &group->start)) return false;
  for (int64_t quad = 0; quad < 8; ++quad) {
    for (int digit = 0; digit < kDigits; ++digit) {
      memcpy(&group->digits[quad][digit], unit.digits[digit][quad / 4] + quad % 4 * 4, 4);
    }
  }
  group->step = unit.step[0];
  return true;
}

// kTokens tokens, whose factors for a group lie one after another.
template <class Packs, int kTokens>
void AddGroups(const uint8_t* slab, const PackedGroup* groups, const PackedSum& sum, float* const* y) {
  for (int64_t g = 0; g < sum.count; ++g, groups += sum.stride) {
    const int64_t bytes = kSlabHeader + groups[0].count * kPackedRowBytes<Packs>;
    if (kTokens > 1 || !groups[0].is_idle) {
      AddGroup<Packs, kTokens>(slab, groups, y);
    } else {
      for (int64_t at = 0; at < bytes; at += 64) Prefetch(slab + kSlabAhead + at);
    }
    slab += bytes;
  }
}

// The slab stays in the cache for further tokens.
template <class Packs>
void AddPackedDown(const uint8_t* slab, const PackedSum& sum, float* const* y) {
  ForFewTokens(sum.tokens, [&](auto few, int32_t t) {
    AddGroups<Packs, decltype(few)::kTokens>(slab, sum.groups + t, sum, y + t);
  });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
