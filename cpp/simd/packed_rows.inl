// Rows of a matrix that decoding reads again and again, packed: sixteen of them lie side by side, so that a lane has
// one row's codes and a vector's elements are the same for all lanes. That leaves half of the instructions of four rows
// as a file stores them (split_dots.inl), and one stream of memory instead of scattered rows. A row's sums are taken in
// the same order, so they have the same bits.
//   A pack is a chain of units of 128 columns, or of 256 where a file's blocks have as many: a header of scales, each
// beside those of the other rows; then for each group of 32 columns a bundle (bundles.inl), whose pair v has, for each
// row, the codes 4 v .. 4 v + 3 of the first half and of the second. Columns behind the last have scales of 0.
#pragma once

#include "simd/bundles.inl"
#include "simd/few_tokens.inl"
#include "simd/split_dots.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// The 16 bits at one place of 16 rows, side by side.
inline void CopyHalves(const uint8_t* const* rows, int64_t at, uint8_t* out) {
  for (int64_t r = 0; r < kPackedRows; ++r) memcpy(out + 2 * r, rows[r] + at, 2);
}

constexpr int64_t kHalvesOfRows = int64_t{2} * kPackedRows;

// ---- units: what is read of 16 rows, and the scales in a header ----

// Four blocks of 32. The header has f16 scales (4 groups, 16 rows), and offsets alike where the dtype has them.
template <class Split, class BundleOfCodes>
struct PackedBlocks {
  using Bundle = BundleOfCodes;
  static constexpr int64_t kColumns = 128;
  static constexpr int64_t kBytes = 4 * Split::kBytes;
  static constexpr int32_t kMiddle = Split::kMiddle;
  static constexpr bool kHasOffset = Split::kHasOffset;
  static constexpr int kScalesOfGroup = 1;
  static constexpr int64_t kHeaderBytes = (kHasOffset ? 8 : 4) * kHalvesOfRows;

  template <int>
  static Codes Read(const uint8_t* blocks) {
    return Split::Read(blocks);
  }
  static void PackScales(const uint8_t* const* rows, uint8_t* header) {
    for (int64_t g = 0; g < 4; ++g) {
      CopyHalves(rows, g * Split::kBytes, header + kHalvesOfRows * g);
      if (kHasOffset) CopyHalves(rows, g * Split::kBytes + 2, header + kHalvesOfRows * (4 + g));
    }
  }
  static Vec Scale(const uint8_t* header, int64_t group, int) { return LoadF16(header + kHalvesOfRows * group); }
  static Vec Offset(const uint8_t* header, int64_t group) { return LoadF16(header + kHalvesOfRows * (4 + group)); }
};

// A block of 256 with scales and mins of 6 bits. The header has f16 d and -dmin (16 rows each), then the scales
// (8 groups, 16 rows) and the mins, a byte each.
template <class Split, class BundleOfCodes>
struct PackedScaledBlock {
  using Bundle = BundleOfCodes;
  static constexpr int64_t kColumns = 256;
  static constexpr int64_t kBytes = Split::kBytes;
  static constexpr int32_t kMiddle = 0;
  static constexpr bool kHasOffset = true;
  static constexpr int kScalesOfGroup = 1;
  static constexpr int64_t kScalesAt = 2 * kHalvesOfRows;
  static constexpr int64_t kMinsAt = kScalesAt + int64_t{8} * kPackedRows;
  static constexpr int64_t kHeaderBytes = kMinsAt + int64_t{8} * kPackedRows;

  template <int kHalf>
  static Codes Read(const uint8_t* block) {
    return Split::template Read<kHalf>(block);
  }
  static void PackScales(const uint8_t* const* rows, uint8_t* header) {
    CopyHalves(rows, 0, header);
    for (int64_t r = 0; r < kPackedRows; ++r) {
      header[kHalvesOfRows + 2 * r] = rows[r][2];
      header[kHalvesOfRows + 2 * r + 1] = rows[r][3] ^ 0x80;
      uint8_t bytes[16];
      UnpackGroupScales(rows[r], bytes);
      for (int64_t i = 0; i < 16; ++i) header[kScalesAt + kPackedRows * i + r] = bytes[i];
    }
  }
  static Vec Scale(const uint8_t* header, int64_t group, int) {
    return Mul(LoadF16(header), LoadU8(header + kScalesAt + kPackedRows * group));
  }
  static Vec Offset(const uint8_t* header, int64_t group) {
    return Mul(LoadF16(header + kHalvesOfRows), LoadU8(header + kMinsAt + kPackedRows * group));
  }
};

// A block of 256 with a scale of 8 bits for each half of a group. The header has f16 d (16 rows), then the scales
// (8 groups, 2 halves, 16 rows), and ends at a multiple of 64.
struct PackedSixes {
  using Bundle = SixBundle;
  static constexpr int64_t kColumns = 256;
  static constexpr int64_t kBytes = SplitSixes::kUnitBytes;
  static constexpr int32_t kMiddle = 32;
  static constexpr bool kHasOffset = false;
  static constexpr int kScalesOfGroup = 2;
  static constexpr int64_t kHeaderBytes = 320;

  template <int kHalf>
  static Codes Read(const uint8_t* block) {
    return SplitSixes::Read<kHalf>(block);
  }
  static void PackScales(const uint8_t* const* rows, uint8_t* header) {
    CopyHalves(rows, 208, header);
    for (int64_t r = 0; r < kPackedRows; ++r) {
      for (int64_t i = 0; i < 16; ++i) header[kHalvesOfRows + kPackedRows * i + r] = rows[r][192 + i];
    }
  }
  static Vec Scale(const uint8_t* header, int64_t group, int half) {
    return Mul(LoadF16(header), LoadI8(header + kHalvesOfRows + kPackedRows * (2 * group + half)));
  }
};

using PackedQ8_0 = PackedBlocks<Q8Split, ByteBundle>;
using PackedQ4_0 = PackedBlocks<Q4Split, NibbleBundle>;
using PackedQ4_1 = PackedBlocks<Q4_1Split, NibbleBundle>;
using PackedQ5_0 = PackedBlocks<Q5_0Split, FiveBundle>;
using PackedQ5_1 = PackedBlocks<Q5_1Split, FiveBundle>;
using PackedQ4_K = PackedScaledBlock<Q4_KSplit, NibbleBundle>;
using PackedQ5_K = PackedScaledBlock<Q5_KSplit, FiveBundle>;

template <class Unit>
constexpr int64_t kBundleBytes = 64 * Unit::Bundle::kVectors;
template <class Unit>
constexpr int64_t kPackUnitBytes = Unit::kHeaderBytes + Unit::kColumns / 32 * kBundleBytes<Unit>;

// ---- packing ----

// Four bytes of each of 16 rows: lane r becomes lane `v` of the 16 bytes of row r.
struct SixteenRows {
  SixteenRows(const uint8_t (*rows)[64], int64_t offset) {
    for (int64_t i = 0; i < 4; ++i) v[i] = LoadQuarters(rows[4 * i] + offset, sizeof(*rows));
  }

  __m512i Lane(int64_t lane) const {
    const __m512i index = _mm512_add_epi32(_mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28),
                                           _mm512_set1_epi32(static_cast<int>(lane)));
    const __m512i low = _mm512_permutex2var_epi32(v[0], index, v[1]);
    const __m512i high = _mm512_permutex2var_epi32(v[2], index, v[3]);
    return _mm512_mask_blend_epi32(0xff00, low, high);
  }

  __m512i v[4];
};

// 128 columns of a unit, from bundle `out` on.
template <class Unit, int kHalf, bool kStays>
void PackGroups(const uint8_t* const* rows, uint8_t* out) {
  alignas(64) uint8_t first[kPackedRows][64];
  alignas(64) uint8_t second[kPackedRows][64];
  for (int64_t r = 0; r < kPackedRows; ++r) {
    const Codes codes = Unit::template Read<kHalf>(rows[r]);
    _mm512_store_si512(first[r], codes.first);
    _mm512_store_si512(second[r], codes.second);
  }
  for (int64_t g = 0; g < 4; ++g, out += kBundleBytes<Unit>) {
    const SixteenRows low(first, 16 * g);
    const SixteenRows high(second, 16 * g);
    Codes pairs[4];
    for (int64_t v = 0; v < 4; ++v) pairs[v] = {low.Lane(v), high.Lane(v)};
    __m512i vectors[Unit::Bundle::kVectors];
    Unit::Bundle::Pack(pairs, vectors);
    for (int64_t i = 0; i < Unit::Bundle::kVectors; ++i) StorePacked<kStays>(out + 64 * i, vectors[i]);
  }
}

template <class Unit, bool kStays>
void PackUnit(const uint8_t* const* rows, uint8_t* out) {
  Unit::PackScales(rows, out);
  out += Unit::kHeaderBytes;
  PackGroups<Unit, 0, kStays>(rows, out);
  if constexpr (Unit::kColumns == 256) PackGroups<Unit, 1, kStays>(rows, out + 4 * kBundleBytes<Unit>);
}

template <class Unit, bool kStays>
void PackRows(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, uint8_t* pack) {
  const uint8_t* unit[kPackedRows];
  int64_t at = 0;
  for (int64_t i = 0; i + Unit::kColumns <= columns; i += Unit::kColumns, at += Unit::kBytes) {
    for (int64_t r = 0; r < kPackedRows; ++r) {
      unit[r] = rows[r] + at;
      PrefetchLines<Unit::kBytes>(next[r] + at);
    }
    PackUnit<Unit, kStays>(unit, pack);
    pack += kPackUnitBytes<Unit>;
  }
  const int64_t rest = columns % Unit::kColumns;
  if (rest == 0) return;
  // Blocks of zeros behind the last ones have scales of 0.
  uint8_t last[kPackedRows][Unit::kBytes] = {};
  for (int64_t r = 0; r < kPackedRows; ++r) {
    memcpy(last[r], rows[r] + at, static_cast<size_t>(Unit::kBytes * rest / Unit::kColumns));
    unit[r] = last[r];
  }
  PackUnit<Unit, kStays>(unit, pack);
}

// ---- products ----

inline __m512i FourDigits(const int8_t* digits) {
  int32_t four;
  memcpy(&four, digits, sizeof(four));
  return _mm512_set1_epi32(four);
}

// The codes of a group's halves kBegin .. kEnd - 1 times its elements. Of two packs each element of a vector is loaded
// once.
template <class Unit, int kTokens, int kPacks, int kBegin, int kEnd>
struct PackedProducts {
  __attribute__((always_inline))
  PackedProducts(const uint8_t* const (&bundles)[kPacks], const SplitUnit* const (&units)[kTokens], int64_t group) {
    for (auto& token : sum) {
      for (auto& pack : token) {
        for (__m512i& digit : pack) digit = _mm512_setzero_si512();
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      __m512i codes[kPacks][2];
#pragma GCC unroll 2
      for (int p = 0; p < kPacks; ++p) {
        const Codes pair = Unit::Bundle::Read([&](int64_t i) { return _mm512_load_si512(bundles[p] + 64 * i); }, v);
        codes[p][0] = pair.first;
        codes[p][1] = pair.second;
      }
      const int64_t at = 16 * group + int64_t{4} * v;
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
        for (int half = kBegin; half < kEnd; ++half) {
          __m512i four[kDigits];
          for (int d = 0; d < kDigits; ++d) four[d] = FourDigits(units[t]->digits[d][half] + at);
#pragma GCC unroll 2
          for (int p = 0; p < kPacks; ++p) {
            for (int d = 0; d < kDigits; ++d) {
              sum[t][p][d] = _mm512_dpbusd_epi32(sum[t][p][d], codes[p][half], four[d]);
            }
          }
        }
      }
    }
  }

  // Less what the middle of the codes makes of the elements.
  Vec Total(int t, int p, const SplitUnit& own, int64_t group) const {
    __m512i total = JoinDigits(sum[t][p]);
    if constexpr (Unit::kMiddle > 0) {
      const int32_t both = own.middle[0][4 * group];
      const int32_t first = own.middle[1][4 * group];
      const int32_t middle = kEnd - kBegin == 2 ? both : kBegin == 0 ? first : both - first;
      total = _mm512_sub_epi32(total, _mm512_set1_epi32(middle));
    }
    return _mm512_cvtepi32_ps(total);
  }

  __m512i sum[kTokens][kPacks][kDigits];
};

// Each of four groups is added to a sum of its own, as in the lanes of split_blocks.inl.
template <int kTokens, int kPacks>
using GroupSums = Vec[kTokens][kPacks][4];

// `group` of the four; `number` in the header.
template <class Unit, int kTokens, int kPacks, int kBegin, int kEnd>
__attribute__((always_inline)) inline void AddHalves(const uint8_t* const (&headers)[kPacks],
                                                     const uint8_t* const (&bundles)[kPacks],
                                                     const SplitUnit* const (&units)[kTokens], int64_t group,
                                                     int64_t number, GroupSums<kTokens, kPacks>& sum) {
  const PackedProducts<Unit, kTokens, kPacks, kBegin, kEnd> products(bundles, units, group);
#pragma GCC unroll 2
  for (int p = 0; p < kPacks; ++p) {
    const Vec scale = Unit::Scale(headers[p], number, kBegin);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      sum[t][p][group] =
          Fma(Mul(scale, Set(units[t]->step[4 * group])), products.Total(t, p, *units[t], group), sum[t][p][group]);
    }
  }
}

template <class Unit, int kTokens, int kPacks>
__attribute__((always_inline)) inline void AddPackedGroup(const uint8_t* const (&headers)[kPacks],
                                                          const uint8_t* const (&bundles)[kPacks],
                                                          const SplitUnit* const (&units)[kTokens], int64_t group,
                                                          int64_t number, GroupSums<kTokens, kPacks>& sum) {
  if constexpr (Unit::kScalesOfGroup == 2) {
    AddHalves<Unit, kTokens, kPacks, 0, 1>(headers, bundles, units, group, number, sum);
    AddHalves<Unit, kTokens, kPacks, 1, 2>(headers, bundles, units, group, number, sum);
  } else {
    AddHalves<Unit, kTokens, kPacks, 0, 2>(headers, bundles, units, group, number, sum);
  }
  if constexpr (Unit::kHasOffset) {
#pragma GCC unroll 2
    for (int p = 0; p < kPacks; ++p) {
      const Vec offset = Unit::Offset(headers[p], number);
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        sum[t][p][group] = Fma(offset, Set(units[t]->sum[4 * group]), sum[t][p][group]);
      }
    }
  }
}

// Packs are read in their order, so nothing is fetched: two of them are streams that the processor's own prefetching
// follows, and does better alone (Zen 4: by up to 6 %).
template <class Unit, int kTokens, int kPacks>
void TakePackedDots(const uint8_t* const* packs, const SplitUnit* const* units, int64_t columns, float* const* out) {
  const int64_t bytes = (columns + Unit::kColumns - 1) / Unit::kColumns * kPackUnitBytes<Unit>;
  GroupSums<kTokens, kPacks> sum;
  for (auto& token : sum) {
    for (auto& pack : token) {
      for (Vec& group : pack) group = Zero();
    }
  }
  const SplitUnit* own[kTokens];
  for (int t = 0; t < kTokens; ++t) own[t] = units[t];
  for (int64_t at = 0; at < bytes; at += kPackUnitBytes<Unit>) {
    const uint8_t* headers[kPacks];
    const uint8_t* bundles[kPacks];
    for (int p = 0; p < kPacks; ++p) {
      headers[p] = packs[p] + at;
      bundles[p] = headers[p] + Unit::kHeaderBytes;
    }
    for (int64_t first = 0; first < Unit::kColumns / 32; first += 4) {
#pragma GCC unroll 4
      for (int64_t g = 0; g < 4; ++g) {
        AddPackedGroup<Unit, kTokens, kPacks>(headers, bundles, own, g, first + g, sum);
        for (const uint8_t*& bundle : bundles) bundle += kBundleBytes<Unit>;
      }
      for (const SplitUnit*& unit : own) ++unit;
    }
  }
  for (int64_t t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPacks; ++p) {
      const Vec* const groups = sum[t][p];
      Store(out[p] + kPackedRows * t, Add(Add(groups[0], groups[2]), Add(groups[1], groups[3])));
    }
  }
}

// The packs stay in the cache for further tokens.
template <class Unit, int kPacks>
void PackedDotEach(const uint8_t* const* packs, const SplitUnit* const* units, int32_t tokens, int64_t columns,
                   float* const* out) {
  ForFewTokens(tokens, [&](auto few, int32_t t) {
    float* own[kPacks];
    for (int p = 0; p < kPacks; ++p) own[p] = out[p] + int64_t{kPackedRows} * t;
    TakePackedDots<Unit, decltype(few)::kTokens, kPacks>(packs, units + t, columns, own);
  });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
