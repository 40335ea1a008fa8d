// Down rows that decoding adds again and again, packed: slabs of 128 columns, and in each the groups of rows one after
// another, so that a group's sums stay in registers, for several tokens at once, while memory is read in one stream. A
// group's sum is taken as split_shared_rows.inl takes it, and groups are added in their order: the bits are theirs.
//   A slab is, for each group: its rows, four at a time in a bundle (bundles.inl), whose pair p has the codes of 16
// columns from 32 p on and of the 16 behind them, those of a column side by side; of the rows that are left, as core
// neurons leave few of a group, a vector takes no more than their bytes, up to a multiple of 64; then what its block's
// groups have in common, behind the first of them; and the group's own scales. So it is read in the order in which it
// lies. Columns behind the last are 0.
#pragma once

#include "simd/bundles.inl"
#include "simd/few_tokens.inl"
#include "simd/rows.inl"
#include "simd/split_shared_rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// ---- scales ----

constexpr int64_t kHalvesOfSlab = int64_t{2} * kSlabColumns;

// The functions get where the block's and the group's scales are, and a column of the slab.
struct SlabScale {
  static constexpr bool kHasOffset = false;
  static constexpr int64_t kBlockBytes = kHalvesOfSlab;
  static constexpr int64_t kGroupBytes = 0;
  static void PackBlock(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    memcpy(out, group.block + 2 * column, static_cast<size_t>(2 * columns));
  }
  static void PackGroup(const SharedRows&, int64_t, int64_t, uint8_t*) {}
  static Vec Scale(const uint8_t* block, const uint8_t*, int64_t i) { return LoadF16(block + 2 * i); }
};

struct SlabScaleAndOffset : SlabScale {
  static constexpr bool kHasOffset = true;
  static constexpr int64_t kBlockBytes = 2 * kHalvesOfSlab;
  static void PackBlock(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    SlabScale::PackBlock(group, column, columns, out);
    SlabScale::PackBlock(group, group.columns + column, columns, out + kHalvesOfSlab);
  }
  static Vec Offset(const uint8_t* block, const uint8_t*, int64_t i) { return LoadF16(block + kHalvesOfSlab + 2 * i); }
};

// d and dmin of a block, as scale and offset are; scales and mins of a group, a byte each.
struct SlabScalesAndMins : SlabScaleAndOffset {
  static constexpr int64_t kGroupBytes = int64_t{2} * kSlabColumns;
  static void PackGroup(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    for (int64_t i = 0; i < columns; i += 32) {
      UnpackSharedScales(group.block, group.columns, group.row / 32, column + i, out + i, out + kSlabColumns + i);
    }
  }
  static Vec Scale(const uint8_t* block, const uint8_t* group, int64_t i) {
    return Mul(SlabScaleAndOffset::Scale(block, group, i), LoadU8(group + i));
  }
  static Vec Offset(const uint8_t* block, const uint8_t* group, int64_t i) {
    return Sub(Zero(), Mul(SlabScaleAndOffset::Offset(block, group, i), LoadU8(group + kSlabColumns + i)));
  }
};

// d of a block, scales of a group.
struct SlabEights : SlabScale {
  static constexpr int64_t kGroupBytes = kSlabColumns;
  static void PackGroup(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    const int64_t plane = 2 * group.columns + group.row / 16 * group.columns;
    memcpy(out, group.block + plane + column, static_cast<size_t>(columns));
  }
  static Vec Scale(const uint8_t* block, const uint8_t* group, int64_t i) {
    return Mul(SlabScale::Scale(block, group, i), LoadI8(group + i));
  }
};

// ---- rows ----

// What a slab of a dtype is made of: how a file's pieces are read, how codes are stored, and scales.
template <class PiecesOfRow, class BundleOfCodes, class ScalesOfSlab>
struct Slab {
  using Pieces = PiecesOfRow;
  using Bundle = BundleOfCodes;
  using Scales = ScalesOfSlab;
};
using SlabQ8_0 = Slab<BytePieces, ByteBundle, SlabScale>;
using SlabQ4_0 = Slab<NibblePieces, NibbleBundle, SlabScale>;
using SlabQ4_1 = Slab<NibblePieces, NibbleBundle, SlabScaleAndOffset>;
using SlabQ5_0 = Slab<FivePieces, FiveBundle, SlabScale>;
using SlabQ5_1 = Slab<FivePieces, FiveBundle, SlabScaleAndOffset>;
using SlabQ4_K = Slab<NibblePieces, NibbleBundle, SlabScalesAndMins>;
using SlabQ5_K = Slab<FivePieces, FiveBundle, SlabScalesAndMins>;
using SlabQ6_K = Slab<SixPieces, SixBundle, SlabEights>;

template <class Format>
constexpr int64_t kPackedRowBytes = 16 * Format::Bundle::kVectors;

// What stands behind a group's rows, and the rows.
template <class Format>
int64_t ScaleBytes(bool opens_block) {
  return (opens_block ? Format::Scales::kBlockBytes : 0) + Format::Scales::kGroupBytes;
}
template <class Format>
int64_t RowsBytes(int64_t count) {
  return (count * kPackedRowBytes<Format> + 63) / 64 * 64;
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

// Where passes each read a part of a slab, memory is fetched so far ahead, line by line beside what is read, as the
// processor takes but few requests at once. A single pass is one stream, which its own prefetching does better with.
constexpr int64_t kSlabAhead = 8192;

// What is read of a slab for one piece after another, and stays in the first-level cache meanwhile.
constexpr int64_t kChunkBytes = 8192;

// The products of a group's codes and some tokens' factors, for kPairs pairs of a bundle: as many as have the sums of
// all tokens in registers.
template <int kTokens, int kPairs>
struct PairSums {
  __m512i sum[kTokens][2 * kPairs][kDigits];

  explicit PairSums(const PackedGroup* groups) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m512i start = _mm512_set1_epi32(groups[t].start);
#pragma GCC unroll 8
      for (int v = 0; v < 2 * kPairs; ++v) {
        sum[t][v][0] = _mm512_setzero_si512();
        sum[t][v][kDigits - 1] = start;
      }
    }
  }

  void Add(const PackedGroup* groups, int32_t quad, int p, const Codes& codes) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
      for (int d = 0; d < kDigits; ++d) {
        const __m512i four = _mm512_set1_epi32(groups[t].digits[quad][d]);
        sum[t][2 * p][d] = _mm512_dpbusd_epi32(sum[t][2 * p][d], codes.first, four);
        sum[t][2 * p + 1][d] = _mm512_dpbusd_epi32(sum[t][2 * p + 1][d], codes.second, four);
      }
    }
  }

  Vec Total(const PackedGroup& group, int t, int v) const {
    return Mul(Set(group.step), _mm512_cvtepi32_ps(JoinDigits(sum[t][v])));
  }
};

// Adds kPairs pairs, from kPair on, of some groups, which begin with a block. y stays in registers meanwhile: stored
// for each group, it takes nearly half of the time, probably as stores hold up loads at like addresses in other pages.
// What is read after `end` is at `next`; each of several passes that take all pairs fetches its share of it.
template <class Format, int kTokens, int kPair, int kPairs>
void AddPairs(const uint8_t* slab, const uint8_t* end, const uint8_t* next, const PackedGroup* groups, int64_t count,
              int64_t stride, float* const* y) {
  using Bundle = typename Format::Bundle;
  using Scales = typename Format::Scales;
  constexpr int64_t kRowBytes = kPackedRowBytes<Format>;
  constexpr int64_t kPass = kPair / kPairs;
  constexpr int64_t kPasses = 4 / kPairs;
  Vec total[kTokens][2 * kPairs];
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPairs; ++v) total[t][v] = Load(y[t] + (2 * kPair + v) * kLanes);
  }
  const uint8_t* block = slab;
  for (int64_t g = 0; g < count; ++g, groups += stride) {
    [[maybe_unused]] const int64_t ahead = kSlabAhead < end - slab ? kSlabAhead : kSlabAhead + (next - end);
    const uint8_t* rows = slab;
    const uint8_t* const behind = rows + RowsBytes<Format>(groups[0].count);
    slab = behind + ScaleBytes<Format>(groups[0].opens_block);
    if (groups[0].opens_block) block = behind;
    const uint8_t* const scales = slab - Scales::kGroupBytes;
    if (kTokens == 1 && groups[0].is_idle) continue;
    if constexpr (kPasses > 1) {
      for (const uint8_t* line = behind + 64 * kPass; line < slab; line += 64 * kPasses) Prefetch(line + ahead);
    }
    PairSums<kTokens, kPairs> sums(groups);
    const RestRows rest(groups[0].count % 4);
    int32_t left = groups[0].count;
    for (int32_t quad = 0; left > 0; ++quad, left -= 4, rows += 4 * kRowBytes) {
      if constexpr (kPasses > 1) {
        for (int64_t line = kPass; line < Bundle::kVectors; line += kPasses) Prefetch(rows + ahead + 64 * line);
      }
      if (kTokens == 1 && (groups[0].digits[quad][0] | groups[0].digits[quad][1]) == 0) continue;
#pragma GCC unroll 4
      for (int p = 0; p < kPairs; ++p) {
        const Codes codes =
            left >= 4 ? Bundle::Read([&](int64_t i) { return _mm512_loadu_si512(rows + 64 * i); }, kPair + p)
                      : Bundle::Read([&](int64_t i) { return rest.Load(rows + int64_t{16} * left * i); }, kPair + p);
        sums.Add(groups, quad, p, codes);
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPairs; ++v) {
      const int64_t column = (2 * kPair + v) * kLanes;
      const Vec scale = Scales::Scale(block, scales, column);
      Vec middle = Zero();  // the value of the code that was taken away as the middle
      if constexpr (Scales::kHasOffset) {
        middle = Fma(scale, Set(Format::Pieces::kMiddle), Scales::Offset(block, scales, column));
      }
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const auto busy = static_cast<__mmask16>(groups[t].is_idle ? 0 : -1);
        total[t][v] = _mm512_mask3_fmadd_ps(scale, sums.Total(groups[t], t, v), total[t][v], busy);
        if constexpr (Scales::kHasOffset) {
          total[t][v] = _mm512_mask3_fmadd_ps(middle, Set(groups[t].sum), total[t][v], busy);
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPairs; ++v) Store(y[t] + (2 * kPair + v) * kLanes, total[t][v]);
  }
}

// ---- packing ----

template <class Format, bool kStays>
void PackDown(const SharedRows& group, bool opens_block, int64_t column, int64_t columns, uint8_t* out) {
  using Pieces = typename Format::Pieces;
  using Scales = typename Format::Scales;
  constexpr int64_t kVectors = Format::Bundle::kVectors;
  uint8_t* scales = out + RowsBytes<Format>(group.count);
  if (columns < kSlabColumns) memset(scales, 0, static_cast<size_t>(ScaleBytes<Format>(opens_block)));
  if (opens_block) {
    Scales::PackBlock(group, column, columns, scales);
    scales += Scales::kBlockBytes;
  }
  Scales::PackGroup(group, column, columns, scales);
  constexpr int64_t kBytes = kSlabColumns / 32 * Pieces::kBytes;
  for (int32_t r = 0; r < group.count; ++r) {
    PrefetchLines<kBytes>(group.rows[r] + column / 32 * Pieces::kBytes + 2 * kBytes);
  }
  for (int32_t row = 0; row < group.count; row += 4, out += 64 * kVectors) {
    const int32_t count = group.count - row < 4 ? group.count - row : 4;
    __m512i first[4];
    __m512i second[4];
    for (int32_t r = 0; r < 4; ++r) {
      const Codes codes = ReadPieces<Pieces>(group.rows[row + (r < count ? r : 0)], column, column + columns);
      first[r] = codes.first;
      second[r] = codes.second;
    }
    __m512i low[4];
    __m512i high[4];
    OrderColumns(first, low);
    OrderColumns(second, high);
    Codes pairs[4];
    for (int p = 0; p < 4; ++p) pairs[p] = {low[p], high[p]};
    __m512i vectors[kVectors];
    Format::Bundle::Pack(pairs, vectors);
    for (int64_t i = 0; i < kVectors; ++i) {
      if (count == 4) {
        StorePacked<kStays>(out + 64 * i, vectors[i]);
      } else {
        RestRows(count).Store(vectors[i], out + int64_t{16} * count * i);
      }
    }
  }
}

// The bytes of a digit of sixteen factors, four at a time, beside those of the next digit.
inline void StoreQuads(__m512i integers, int32_t (*digits)[2]) {
  const __m128i low = _mm512_cvtepi32_epi8(integers);
  const __m128i high = kDigits == 1 ? low : _mm512_cvtepi32_epi8(NextDigits(integers));
  auto* const target = reinterpret_cast<__m128i*>(digits);
  _mm_storeu_si128(target, _mm_unpacklo_epi32(high, low));
  _mm_storeu_si128(target + 1, _mm_unpackhi_epi32(high, low));
}

// Factors of 0 change neither the step nor a sum, so it does not matter that they are not left out.
template <int32_t kMiddle>
bool PrepareGroup(const float* factors, int32_t count, bool opens_block, PackedGroup* group) {
  const uint32_t listed = ~uint32_t{0} >> (32 - count);
  const GroupIntegers integers(_mm512_maskz_loadu_ps(static_cast<__mmask16>(listed), factors),
                               _mm512_maskz_loadu_ps(static_cast<__mmask16>(listed >> 16), factors + 16));
  if (!integers.steps.are_known) return false;
  StoreQuads(integers.first, group->digits);
  StoreQuads(integers.second, group->digits + 4);
  group->count = count;
  group->opens_block = opens_block;
  group->is_idle = integers.steps.step == 0.0f;
  const int32_t sum = _mm512_reduce_add_epi32(_mm512_add_epi32(integers.first, integers.second));
  group->start = -kMiddle * sum;
  group->step = integers.steps.step;
  group->sum = static_cast<float>(sum) * integers.steps.step;
  return true;
}

// Calls AddPairs for all pairs of some groups.
template <class Format, int kTokens, int kPair, int kPairs, class... Rest>
void AddAllPairs(const Rest&... rest) {
  AddPairs<Format, kTokens, kPair, kPairs>(rest...);
  if constexpr (kPair + kPairs < 4) AddAllPairs<Format, kTokens, kPair + kPairs, kPairs>(rest...);
}

// Where pairs are added one after another, blocks are few enough for the cache to hold them meanwhile.
template <class Format, int kTokens>
void AddGroups(const uint8_t* slab, const uint8_t* next, const PackedGroup* groups, const PackedSum& sum,
               float* const* y) {
  constexpr int kPairs = kTokens == 1 ? 4 : kTokens == 2 ? 2 : 1;
  constexpr int64_t kMostBytes = kPairs == 4 ? INT64_MAX : kChunkBytes;
  const uint8_t* const end = slab + sum.slab_bytes;
  for (int64_t g = 0; g < sum.count;) {
    int64_t bytes = 0;
    int64_t count = 0;
    for (; g + count < sum.count; ++count) {
      const PackedGroup& group = groups[count * sum.stride];
      if (group.opens_block && bytes >= kMostBytes) break;
      bytes += ScaleBytes<Format>(group.opens_block) + RowsBytes<Format>(group.count);
    }
    AddAllPairs<Format, kTokens, 0, kPairs>(slab, end, next, groups, count, int64_t{sum.stride}, y);
    g += count;
    slab += bytes;
    groups += count * sum.stride;
  }
}

// The slab stays in the cache for further tokens.
template <class Format>
void AddPackedDown(const uint8_t* slab, const uint8_t* next, const PackedSum& sum, float* const* y) {
  ForFewTokens(sum.tokens, [&](auto few, int32_t t) {
    AddGroups<Format, decltype(few)::kTokens>(slab, next, sum.groups + t, sum, y + t);
  });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
