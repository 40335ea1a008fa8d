// Down rows that decoding adds again and again, packed: slabs of 128 columns, and in each the groups of rows one after
// another, so that a group's sums stay in registers, for several tokens at once, while memory is read in one stream. A
// group's sum is taken as split_shared_rows.inl takes it, and groups are added in their order: the bits are theirs.
//   A slab is, for each group, f16 scales (128), then its rows: four at a time with the codes of a column side by side,
//   and those that are left one by one, as core neurons leave few of a group. A code is a byte (Q8_0), or two columns
//   16 apart share one (Q4_0). Columns behind the last are 0.
#pragma once

#include "simd/few_tokens.inl"
#include "simd/packed_rows.inl"
#include "simd/split_shared_rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int64_t kSlabHeader = int64_t{2} * kSlabColumns;

// The codes of sixteen columns of four rows: those of a column are neighbours.
inline __m512i Interleave(const uint8_t* const* rows, int64_t offset) {
  __m128i v[4];
  for (int r = 0; r < 4; ++r) v[r] = Load16Bytes(rows[r] + offset);
  const __m128i low_a = _mm_unpacklo_epi8(v[0], v[1]);
  const __m128i low_b = _mm_unpacklo_epi8(v[2], v[3]);
  const __m128i high_a = _mm_unpackhi_epi8(v[0], v[1]);
  const __m128i high_b = _mm_unpackhi_epi8(v[2], v[3]);
  __m512i lanes = _mm512_castsi128_si512(_mm_unpacklo_epi16(low_a, low_b));
  lanes = _mm512_inserti32x4(lanes, _mm_unpackhi_epi16(low_a, low_b), 1);
  lanes = _mm512_inserti32x4(lanes, _mm_unpacklo_epi16(high_a, high_b), 2);
  return _mm512_inserti32x4(lanes, _mm_unpackhi_epi16(high_a, high_b), 3);
}

// Where the bytes of one to three rows, stored without room for a fourth, come from: a shuffle of lanes, and one of the
// bytes of each four lanes. Spread, they stand as those of four rows do, with zeros for the others.
struct RestTable {
  int32_t spread_lanes[16];
  uint8_t spread_bytes[16];
  uint8_t squeezed_bytes[16];
  int32_t squeezed_lanes[16];
};
constexpr RestTable RestTableOf(int32_t count) {
  constexpr int32_t kZero = 128;
  RestTable table{};
  for (int32_t i = 0; i < 16; ++i) {
    const bool is_stored = i < 4 * count;
    table.spread_lanes[i] = i / 4 * count + (i % 4 < count ? i % 4 : 0);
    table.spread_bytes[i] = static_cast<uint8_t>(i % 4 < count ? i / 4 * count + i % 4 : kZero);
    table.squeezed_bytes[i] = static_cast<uint8_t>(is_stored ? i / count * 4 + i % count : kZero);
    table.squeezed_lanes[i] = is_stored ? i / count * 4 + i % count : 0;
  }
  return table;
}
constexpr RestTable kRestTables[] = {RestTableOf(0), RestTableOf(1), RestTableOf(2), RestTableOf(3)};

class RestRows {
 public:
  explicit RestRows(int32_t count)
      : table_(kRestTables[count]), stored_(static_cast<__mmask16>((1 << 4 * count) - 1)) {}

  __m512i Load(const uint8_t* squeezed) const {
    const __m512i lanes =
        _mm512_permutexvar_epi32(_mm512_loadu_si512(table_.spread_lanes), _mm512_maskz_loadu_epi32(stored_, squeezed));
    return _mm512_shuffle_epi8(lanes, _mm512_broadcast_i32x4(Load16Bytes(table_.spread_bytes)));
  }

  void Store(__m512i rows, uint8_t* squeezed) const {
    const __m512i bytes = _mm512_shuffle_epi8(rows, _mm512_broadcast_i32x4(Load16Bytes(table_.squeezed_bytes)));
    const __m512i lanes = _mm512_permutexvar_epi32(_mm512_loadu_si512(table_.squeezed_lanes), bytes);
    _mm512_mask_storeu_epi32(squeezed, stored_, lanes);
  }

 private:
  const RestTable& table_;
  const __mmask16 stored_;
};

// 32 columns of four rows, or of the rest: nibbles as they are in the file, or bytes without a sign.
struct NibblePacks {
  static constexpr int32_t kMiddle = NibblePieces::kMiddle;
  static constexpr int64_t kBytes = 16;
  static __m512i Arrange(__m512i codes) { return codes; }
  static Codes ReadFour(const uint8_t* piece) { return SplitNibbles(_mm512_loadu_si512(piece)); }
  static Codes ReadRest(const uint8_t* piece, int64_t, const RestRows& rest) { return SplitNibbles(rest.Load(piece)); }
};
struct BytePacks {
  static constexpr int32_t kMiddle = BytePieces::kMiddle;
  static constexpr int64_t kBytes = 32;
  static __m512i Arrange(__m512i codes) { return _mm512_xor_si512(codes, _mm512_set1_epi8(-128)); }
  static Codes ReadFour(const uint8_t* piece) { return {_mm512_loadu_si512(piece), _mm512_loadu_si512(piece + 64)}; }
  static Codes ReadRest(const uint8_t* piece, int64_t count, const RestRows& rest) {
    return {rest.Load(piece), rest.Load(piece + 16 * count)};
  }
};

template <class Packs>
constexpr int64_t kPackedRowBytes = kSlabColumns / 32 * Packs::kBytes;

// Memory is fetched so far ahead, line by line beside what is read, as the processor takes but few requests at once.
constexpr int64_t kSlabAhead = 8192;

// What is read of a slab for one piece after another, and stays in the first-level cache meanwhile.
constexpr int64_t kChunkBytes = 8192;

// The products of a group's codes and some tokens' factors, for kPieces pieces: as many as have the sums of all tokens
// in registers.
template <class Packs, int kTokens, int kPieces>
struct PieceSums {
  __m512i high[kTokens][2 * kPieces];
  __m512i low[kTokens][2 * kPieces];

  explicit PieceSums(const PackedGroup* groups) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m512i start = _mm512_set1_epi32(groups[t].start);
#pragma GCC unroll 8
      for (int v = 0; v < 2 * kPieces; ++v) {
        high[t][v] = _mm512_setzero_si512();
        low[t][v] = start;
      }
    }
  }

  void Add(const PackedGroup* groups, int32_t quad, int p, const Codes& codes) {
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

  Vec Total(const PackedGroup& group, int t, int v) const {
    const __m512i total = _mm512_add_epi32(_mm512_slli_epi32(high[t][v], 8), low[t][v]);
    return Mul(Set(group.step), _mm512_cvtepi32_ps(total));
  }
};

// Adds kPieces pieces, from `piece` on, of some groups. y stays in registers meanwhile: stored for each group, it takes
// nearly half of the time, probably as stores hold up loads at like addresses in other pages. What is read after `end`
// is at `next`.
template <class Packs, int kTokens, int kPieces>
void AddPieces(const uint8_t* slab, const uint8_t* end, const uint8_t* next, const PackedGroup* groups, int64_t count,
               int64_t stride, int64_t piece, float* const* y) {
  constexpr int64_t kRowBytes = kPackedRowBytes<Packs>;
  Vec total[kTokens][2 * kPieces];
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPieces; ++v) total[t][v] = Load(y[t] + (2 * piece + v) * kLanes);
  }
  for (int64_t g = 0; g < count; ++g, groups += stride) {
    const uint8_t* const header = slab;
    const int64_t ahead = kSlabAhead < end - slab ? kSlabAhead : kSlabAhead + (next - end);
    slab += kSlabHeader + groups[0].count * kRowBytes;
    if (kTokens == 1 && groups[0].is_idle) {
      for (const uint8_t* line = header; line < slab; line += 64) Prefetch(line + ahead);
      continue;
    }
    PieceSums<Packs, kTokens, kPieces> sums(groups);
    const RestRows rest(groups[0].count % 4);
    const uint8_t* rows = header + kSlabHeader;
    int32_t left = groups[0].count;
    for (int32_t quad = 0; left > 0; ++quad, left -= 4, rows += 4 * kRowBytes) {
      const uint8_t* const codes = rows + (left < 4 ? left : 4) * Packs::kBytes * piece;
      for (int64_t at = 0; at < 4 * Packs::kBytes * kPieces; at += 64) Prefetch(codes + ahead + at);
      if (kTokens == 1 && (groups[0].digits[quad][0] | groups[0].digits[quad][1]) == 0) continue;
#pragma GCC unroll 4
      for (int p = 0; p < kPieces; ++p) {
        sums.Add(groups, quad, p,
                 left >= 4 ? Packs::ReadFour(codes + 4 * Packs::kBytes * p)
                           : Packs::ReadRest(codes + left * Packs::kBytes * p, left, rest));
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPieces; ++v) {
      const int64_t at = 2 * (2 * piece + v) * kLanes;
      const Vec scale = LoadF16(header + at);
      if (v % 2 == 0) Prefetch(header + ahead + at);
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const auto busy = static_cast<__mmask16>(groups[t].is_idle ? 0 : -1);
        total[t][v] = _mm512_mask3_fmadd_ps(scale, sums.Total(groups[t], t, v), total[t][v], busy);
      }
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPieces; ++v) Store(y[t] + (2 * piece + v) * kLanes, total[t][v]);
  }
}

template <class Packs, bool kStays>
void PackDown(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
  if (columns < kSlabColumns) memset(out, 0, static_cast<size_t>(kSlabHeader + group.count * kPackedRowBytes<Packs>));
  memcpy(out, group.block + 2 * column, static_cast<size_t>(2 * columns));
  out += kSlabHeader;
  const int64_t begin = column / 32 * Packs::kBytes;
  const int64_t bytes = columns / 32 * Packs::kBytes;
  for (int32_t r = 0; r < group.count; ++r) {
    PrefetchLines<kPackedRowBytes<Packs>>(group.rows[r] + begin + 2 * kPackedRowBytes<Packs>);
  }
  for (int32_t row = 0; row < group.count; row += 4, out += 4 * kPackedRowBytes<Packs>) {
    const int32_t count = group.count - row < 4 ? group.count - row : 4;
    const uint8_t* rows[4];
    for (int32_t r = 0; r < 4; ++r) rows[r] = group.rows[row + (r < count ? r : 0)];
    for (int64_t i = 0; i < bytes; i += 16) {
      const __m512i codes = Packs::Arrange(Interleave(rows, begin + i));
      if (count == 4) {
        StorePacked<kStays>(out + 4 * i, codes);
      } else {
        RestRows(count).Store(codes, out + count * i);
      }
    }
  }
}

// The bytes of a digit of sixteen factors, four at a time, beside those of the next digit.
inline void StoreQuads(__m512i integers, int32_t (*digits)[kDigits]) {
  const __m128i low = _mm512_cvtepi32_epi8(integers);
  const __m128i high = _mm512_cvtepi32_epi8(NextDigits(integers));
  auto* const target = reinterpret_cast<__m128i*>(digits);
  _mm_storeu_si128(target, _mm_unpacklo_epi32(high, low));
  _mm_storeu_si128(target + 1, _mm_unpackhi_epi32(high, low));
}

// Factors of 0 change neither the step nor a sum, so it does not matter that they are not left out.
template <int32_t kMiddle>
bool PrepareGroup(const float* factors, int32_t count, PackedGroup* group) {
  const uint32_t listed = ~uint32_t{0} >> (32 - count);
  const GroupIntegers integers(_mm512_maskz_loadu_ps(static_cast<__mmask16>(listed), factors),
                               _mm512_maskz_loadu_ps(static_cast<__mmask16>(listed >> 16), factors + 16));
  if (!integers.steps.are_known) return false;
  StoreQuads(integers.first, group->digits);
  StoreQuads(integers.second, group->digits + 4);
  group->count = count;
  group->is_idle = integers.steps.step == 0.0f;
  group->start = -kMiddle * _mm512_reduce_add_epi32(_mm512_add_epi32(integers.first, integers.second));
  group->step = integers.steps.step;
  return true;
}

// One piece after another takes some groups' codes, which the cache holds meanwhile.
template <class Packs, int kTokens>
void AddGroups(const uint8_t* slab, const uint8_t* next, const PackedGroup* groups, const PackedSum& sum,
               float* const* y) {
  constexpr int kPieces = kTokens == 1 ? 4 : kTokens == 2 ? 2 : 1;
  constexpr int64_t kMostBytes = kPieces == 4 ? INT64_MAX : kChunkBytes;
  const uint8_t* const end = slab + sum.slab_bytes;
  for (int64_t g = 0; g < sum.count;) {
    int64_t bytes = 0;
    int64_t count = 0;
    for (; g + count < sum.count && bytes < kMostBytes; ++count) {
      bytes += kSlabHeader + groups[count * sum.stride].count * kPackedRowBytes<Packs>;
    }
    for (int64_t piece = 0; piece < kSlabColumns / 32; piece += kPieces) {
      AddPieces<Packs, kTokens, kPieces>(slab, end, next, groups, count, sum.stride, piece, y);
    }
    g += count;
    slab += bytes;
    groups += count * sum.stride;
  }
}

// The slab stays in the cache for further tokens.
template <class Packs>
void AddPackedDown(const uint8_t* slab, const uint8_t* next, const PackedSum& sum, float* const* y) {
  ForFewTokens(sum.tokens, [&](auto few, int32_t t) {
    AddGroups<Packs, decltype(few)::kTokens>(slab, next, sum.groups + t, sum, y + t);
  });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
