// Rows of a matrix that decoding reads again and again, packed: they lie side by side, so that a lane has one row's
// codes and a vector's elements are the same for all lanes. That leaves half of the instructions of four rows as a file
// stores them (split_dots.inl), and one stream of memory instead of scattered rows. A row's sums are taken in the same
// order, so they have the same bits.
//   A pack is a chain of units of 128 columns, or of 256 where a file's blocks have as many: what the block of each row
// begins with; then for each group of 32 columns its codes in two bundles (bundles.inl), one of the first 16 rows and
// one of the others, vector beside vector, and its scales, each beside those of the other rows. Pair v of a bundle has,
// for each row, the codes 4 v .. 4 v + 3 of the group's first half and of the second. All is read in the order in which
// it lies: two streams cost a tenth of the speed, and steps back a third. Columns behind the last have scales of 0.
#pragma once

#include "simd/bundles.inl"
#include "simd/few_tokens.inl"
#include "simd/split_dots.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Sixteen rows have their codes in the lanes of one vector, so that each element of a split vector is loaded once for
// two.
constexpr int64_t kSixteens = kPackedRows / 16;

// The 16 bits at one place of sixteen rows, side by side.
inline void CopyHalves(const uint8_t* const* rows, int64_t at, uint8_t* out) {
  for (int64_t r = 0; r < 16; ++r) memcpy(out + 2 * r, rows[r] + at, 2);
}

// ---- units: what is read of sixteen rows, and where the scales are ----

// Four blocks of 32. A group ends with the f16 scales of its rows, and offsets alike where the dtype has them.
template <class Split, class BundleOfCodes>
struct PackedBlocks {
  using Bundle = BundleOfCodes;
  static constexpr int64_t kColumns = 128;
  static constexpr int64_t kBytes = 4 * Split::kBytes;
  static constexpr int32_t kMiddle = Split::kMiddle;
  static constexpr bool kHasOffset = Split::kHasOffset;
  static constexpr int kScalesOfGroup = 1;
  static constexpr int64_t kBlockBytes = 0;
  static constexpr int64_t kScaleBytes = kHasOffset ? 128 : 64;

  template <int>
  static Codes Read(const uint8_t* blocks) {
    return Split::Read(blocks);
  }
  static void PackScales(const uint8_t* const* rows, int64_t sixteen, uint8_t*, uint8_t* scales, int64_t step) {
    for (int64_t at = 0; at < kBytes; at += Split::kBytes, scales += step) {
      CopyHalves(rows, at, scales + 32 * sixteen);
      if (kHasOffset) CopyHalves(rows, at + 2, scales + 64 + 32 * sixteen);
    }
  }
  static Vec Scale(const uint8_t*, const uint8_t* scales, int64_t sixteen, int) {
    return LoadF16(scales + 32 * sixteen);
  }
  static Vec Offset(const uint8_t*, const uint8_t* scales, int64_t sixteen) {
    return LoadF16(scales + 64 + 32 * sixteen);
  }
};

// A block of 256 with scales and mins of 6 bits. It begins with f16 d and -dmin of its rows; a group ends with the
// scales, then the mins, a byte each.
template <class Split, class BundleOfCodes>
struct PackedScaledBlock {
  using Bundle = BundleOfCodes;
  static constexpr int64_t kColumns = 256;
  static constexpr int64_t kBytes = Split::kBytes;
  static constexpr int32_t kMiddle = 0;
  static constexpr bool kHasOffset = true;
  static constexpr int kScalesOfGroup = 1;
  static constexpr int64_t kBlockBytes = 128;
  static constexpr int64_t kScaleBytes = 64;

  template <int kHalf>
  static Codes Read(const uint8_t* block) {
    return Split::template Read<kHalf>(block);
  }
  static void PackScales(const uint8_t* const* rows, int64_t sixteen, uint8_t* block, uint8_t* scales, int64_t step) {
    block += 32 * sixteen;
    scales += 16 * sixteen;
    CopyHalves(rows, 0, block);
    for (int64_t r = 0; r < 16; ++r) {
      block[64 + 2 * r] = rows[r][2];
      block[64 + 2 * r + 1] = rows[r][3] ^ 0x80;
      uint8_t bytes[16];
      UnpackGroupScales(rows[r], bytes);
      for (int64_t g = 0; g < 8; ++g) {
        scales[g * step + r] = bytes[g];
        scales[g * step + 32 + r] = bytes[8 + g];
      }
    }
  }
  static Vec Scale(const uint8_t* block, const uint8_t* scales, int64_t sixteen, int) {
    return Mul(LoadF16(block + 32 * sixteen), LoadU8(scales + 16 * sixteen));
  }
  static Vec Offset(const uint8_t* block, const uint8_t* scales, int64_t sixteen) {
    return Mul(LoadF16(block + 64 + 32 * sixteen), LoadU8(scales + 32 + 16 * sixteen));
  }
};

// A block of 256 with a scale of 8 bits for each half of a group. It begins with f16 d of its rows; a group ends
// with the scales of its first half, then of its second.
struct PackedSixes {
  using Bundle = SixBundle;
  static constexpr int64_t kColumns = 256;
  static constexpr int64_t kBytes = SplitSixes::kUnitBytes;
  static constexpr int32_t kMiddle = 32;
  static constexpr bool kHasOffset = false;
  static constexpr int kScalesOfGroup = 2;
  static constexpr int64_t kBlockBytes = 64;
  static constexpr int64_t kScaleBytes = 64;

  template <int kHalf>
  static Codes Read(const uint8_t* block) {
    return SplitSixes::Read<kHalf>(block);
  }
  static void PackScales(const uint8_t* const* rows, int64_t sixteen, uint8_t* block, uint8_t* scales, int64_t step) {
    CopyHalves(rows, 208, block + 32 * sixteen);
    scales += 16 * sixteen;
    for (int64_t r = 0; r < 16; ++r) {
      for (int64_t i = 0; i < 16; ++i) scales[i / 2 * step + i % 2 * 32 + r] = rows[r][192 + i];
    }
  }
  static Vec Scale(const uint8_t* block, const uint8_t* scales, int64_t sixteen, int64_t half) {
    return Mul(LoadF16(block + 32 * sixteen), LoadI8(scales + 32 * half + 16 * sixteen));
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
constexpr int64_t kBundleBytes = int64_t{Unit::Bundle::kVectors} * kSixteens * 64;  // of both
template <class Unit>
constexpr int64_t kGroupBytes = kBundleBytes<Unit> + Unit::kScaleBytes;
template <class Unit>
constexpr int64_t kPackUnitBytes = Unit::kBlockBytes + Unit::kColumns / 32 * kGroupBytes<Unit>;

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

// 128 columns of a unit, of which `bundle` is the first one.
template <class Unit, int kHalf, bool kStays>
void PackGroups(const uint8_t* const* rows, uint8_t* bundle) {
  alignas(64) uint8_t first[16][64];
  alignas(64) uint8_t second[16][64];
  for (int64_t r = 0; r < 16; ++r) {
    const Codes codes = Unit::template Read<kHalf>(rows[r]);
    _mm512_store_si512(first[r], codes.first);
    _mm512_store_si512(second[r], codes.second);
  }
  for (int64_t g = 0; g < 4; ++g, bundle += kGroupBytes<Unit>) {
    const SixteenRows low(first, 16 * g);
    const SixteenRows high(second, 16 * g);
    Codes pairs[4];
    for (int64_t v = 0; v < 4; ++v) pairs[v] = {low.Lane(v), high.Lane(v)};
    __m512i vectors[Unit::Bundle::kVectors];
    Unit::Bundle::Pack(pairs, vectors);
    for (int64_t i = 0; i < Unit::Bundle::kVectors; ++i) StorePacked<kStays>(bundle + 64 * kSixteens * i, vectors[i]);
  }
}

template <class Unit, bool kStays>
void PackUnit(const uint8_t* const* rows, int64_t sixteen, uint8_t* block) {
  uint8_t* const group = block + Unit::kBlockBytes;
  PackGroups<Unit, 0, kStays>(rows, group + 64 * sixteen);
  if constexpr (Unit::kColumns == 256) {
    PackGroups<Unit, 1, kStays>(rows, group + 64 * sixteen + 4 * kGroupBytes<Unit>);
  }
  Unit::PackScales(rows, sixteen, block, group + kBundleBytes<Unit>, kGroupBytes<Unit>);
}

template <class Unit, bool kStays>
void PackSixteen(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, int64_t sixteen,
                 uint8_t* pack) {
  const uint8_t* unit[16];
  int64_t at = 0;
  for (int64_t i = 0; i + Unit::kColumns <= columns; i += Unit::kColumns, at += Unit::kBytes) {
    for (int64_t r = 0; r < 16; ++r) {
      unit[r] = rows[r] + at;
      PrefetchLines<Unit::kBytes>(next[r] + at);
    }
    PackUnit<Unit, kStays>(unit, sixteen, pack);
    pack += kPackUnitBytes<Unit>;
  }
  const int64_t rest = columns % Unit::kColumns;
  if (rest == 0) return;
  // Blocks of zeros behind the last ones have scales of 0.
  uint8_t last[16][Unit::kBytes] = {};
  for (int64_t r = 0; r < 16; ++r) {
    memcpy(last[r], rows[r] + at, static_cast<size_t>(Unit::kBytes * rest / Unit::kColumns));
    unit[r] = last[r];
  }
  PackUnit<Unit, kStays>(unit, sixteen, pack);
}

// Sixteen rows after sixteen: more would each be read from a page of their own at once.
template <class Unit, bool kStays>
void PackRows(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, uint8_t* pack) {
  for (int64_t i = 0; i < kSixteens; ++i) {
    const uint8_t* const* following = i + 1 < kSixteens ? rows + 16 * (i + 1) : next;
    PackSixteen<Unit, kStays>(rows + 16 * i, following, columns, i, pack);
  }
}

// ---- products ----

inline __m512i FourDigits(const int8_t* digits) {
  int32_t four;
  memcpy(&four, digits, sizeof(four));
  return _mm512_set1_epi32(four);
}

// The codes of a group's halves kBegin .. kEnd - 1 times its elements.
template <class Unit, int kTokens, int kBegin, int kEnd>
struct PackedProducts {
  __attribute__((always_inline))
  PackedProducts(const uint8_t* bundles, const SplitUnit* const (&units)[kTokens], int64_t group) {
    for (auto& token : sum) {
      for (auto& sixteen : token) {
        for (__m512i& digit : sixteen) digit = _mm512_setzero_si512();
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      __m512i codes[kSixteens][2];
#pragma GCC unroll 2
      for (int s = 0; s < kSixteens; ++s) {
        const auto load = [&](int64_t i) { return _mm512_load_si512(bundles + 64 * (kSixteens * i + s)); };
        const Codes pair = Unit::Bundle::Read(load, v);
        codes[s][0] = pair.first;
        codes[s][1] = pair.second;
      }
      const int64_t at = 16 * group + int64_t{4} * v;
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
        for (int half = kBegin; half < kEnd; ++half) {
          __m512i four[kDigits];
          for (int d = 0; d < kDigits; ++d) four[d] = FourDigits(units[t]->digits[d][half] + at);
#pragma GCC unroll 2
          for (int s = 0; s < kSixteens; ++s) {
            for (int d = 0; d < kDigits; ++d) {
              sum[t][s][d] = _mm512_dpbusd_epi32(sum[t][s][d], codes[s][half], four[d]);
            }
          }
        }
      }
    }
  }

  // Less what the middle of the codes makes of the elements.
  Vec Total(int t, int s, const SplitUnit& own, int64_t group) const {
    __m512i total = JoinDigits(sum[t][s]);
    if constexpr (Unit::kMiddle > 0) {
      const int32_t both = own.middle[0][4 * group];
      const int32_t first = own.middle[1][4 * group];
      const int32_t middle = kEnd - kBegin == 2 ? both : kBegin == 0 ? first : both - first;
      total = _mm512_sub_epi32(total, _mm512_set1_epi32(middle));
    }
    return _mm512_cvtepi32_ps(total);
  }

  __m512i sum[kTokens][kSixteens][kDigits];
};

// Each of four groups is added to a sum of its own, as in the lanes of split_blocks.inl.
template <int kTokens>
using GroupSums = Vec[kTokens][kSixteens][4];

// A group, the number `number` of four, and the block that it belongs to.
struct PackedGroupAt {
  const uint8_t* block;
  const uint8_t* bundles;
  const uint8_t* scales;
  int64_t number;
};

template <class Unit, int kTokens, int kBegin, int kEnd>
__attribute__((always_inline)) inline void AddHalves(const PackedGroupAt& at, const SplitUnit* const (&units)[kTokens],
                                                     GroupSums<kTokens>& sum) {
  const PackedProducts<Unit, kTokens, kBegin, kEnd> products(at.bundles, units, at.number);
#pragma GCC unroll 2
  for (int s = 0; s < kSixteens; ++s) {
    const Vec scale = Unit::Scale(at.block, at.scales, s, kBegin);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      sum[t][s][at.number] = Fma(Mul(scale, Set(units[t]->step[4 * at.number])),
                                 products.Total(t, s, *units[t], at.number), sum[t][s][at.number]);
    }
  }
}

template <class Unit, int kTokens>
__attribute__((always_inline)) inline void AddPackedGroup(const PackedGroupAt& at,
                                                          const SplitUnit* const (&units)[kTokens],
                                                          GroupSums<kTokens>& sum) {
  if constexpr (Unit::kScalesOfGroup == 2) {
    AddHalves<Unit, kTokens, 0, 1>(at, units, sum);
    AddHalves<Unit, kTokens, 1, 2>(at, units, sum);
  } else {
    AddHalves<Unit, kTokens, 0, 2>(at, units, sum);
  }
  if constexpr (Unit::kHasOffset) {
#pragma GCC unroll 2
    for (int s = 0; s < kSixteens; ++s) {
      const Vec offset = Unit::Offset(at.block, at.scales, s);
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        sum[t][s][at.number] = Fma(offset, Set(units[t]->sum[4 * at.number]), sum[t][s][at.number]);
      }
    }
  }
}

// Nothing is fetched ahead: one stream is what the processor's own prefetching is best at.
template <class Unit, int kTokens>
void TakePackedDots(const uint8_t* pack, const SplitUnit* const* units, int64_t columns, float* out) {
  GroupSums<kTokens> sum;
  for (auto& token : sum) {
    for (auto& sixteen : token) {
      for (Vec& group : sixteen) group = Zero();
    }
  }
  const SplitUnit* own[kTokens];
  for (int t = 0; t < kTokens; ++t) own[t] = units[t];
  for (int64_t column = 0; column < columns; column += Unit::kColumns) {
    const uint8_t* const block = pack;
    pack += Unit::kBlockBytes;
    for (int64_t first = 0; first < Unit::kColumns / 32; first += 4) {
#pragma GCC unroll 4
      for (int64_t g = 0; g < 4; ++g, pack += kGroupBytes<Unit>) {
        AddPackedGroup<Unit, kTokens>({block, pack, pack + kBundleBytes<Unit>, g}, own, sum);
      }
      for (const SplitUnit*& unit : own) ++unit;
    }
  }
  for (const auto& token : sum) {
    for (const auto& groups : token) {
      Store(out, Add(Add(groups[0], groups[2]), Add(groups[1], groups[3])));
      out += kLanes;
    }
  }
}

// The pack stays in the cache for further tokens.
template <class Unit>
void PackedDotEach(const uint8_t* pack, const SplitUnit* const* units, int32_t tokens, int64_t columns, float* out) {
  ForFewTokens(tokens, [&](auto few, int32_t t) {
    TakePackedDots<Unit, decltype(few)::kTokens>(pack, units + t, columns, out + int64_t{kPackedRows} * t);
  });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
