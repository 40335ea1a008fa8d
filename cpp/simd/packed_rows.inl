// Rows of a matrix that decoding reads again and again, packed: they lie side by side, so that a lane has one row's
// codes and a vector's elements are the same for all lanes. That leaves half of the instructions of four rows as a file
// stores them (split_dots.inl), and one stream of memory instead of scattered rows. A row's sums are taken in the same
// order, so they have the same bits.
//   A pack has parts of two vectors of rows: one of 32 rows with AVX-512, two of 16 with AVX2. A part is a chain of
// units of 128 columns, or of 256 where a file's blocks have as many: what the block of each row begins with; then for
// each group of 32 columns its codes in two bundles (bundles.inl), one of the first vector's rows and one of the
// others, vector beside vector, and its scales, each beside those of the other rows. Pair v of a bundle has, for each
// row, the codes 4 v .. 4 v + 3 of the group's first half and of the second. All is read in the order in which it
// lies: two streams cost a tenth of the speed, and steps back a third. Columns behind the last have scales of 0.
#pragma once

#include "simd/bundles.inl"
#include "simd/few_tokens.inl"
#include "simd/split_dots.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Each lane of a vector has the codes of a row, and each element of a split vector is loaded once for two vectors.
constexpr int64_t kBeside = 2;
constexpr int64_t kRowsOfPart = kBeside * kLanes;
constexpr int64_t kParts = kPackedRows / kRowsOfPart;

// The 16 bits at one place of a vector's rows, side by side.
inline void CopyHalves(const uint8_t* const* rows, int64_t at, uint8_t* out) {
  for (int64_t r = 0; r < kLanes; ++r) memcpy(out + 2 * r, rows[r] + at, 2);
}

constexpr int64_t kPairBytes = kBeside * kVectorBytes;

// Bytes of as many rows' halves.
constexpr int64_t kHalves = 2 * kLanes;
constexpr int64_t kHalvesOfPart = 2 * kRowsOfPart;

// ---- units: what is read of a vector's rows, and where the scales are ----

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
  static constexpr int64_t kScaleBytes = kHasOffset ? 2 * kHalvesOfPart : kHalvesOfPart;

  template <int>
  static void Read(const uint8_t* blocks, uint8_t* first, uint8_t* second) {
    StoreBlocks<Split>(blocks, first, second);
  }
  static void PackScales(const uint8_t* const* rows, int64_t vector, uint8_t*, uint8_t* scales, int64_t step) {
    for (int64_t at = 0; at < kBytes; at += Split::kBytes, scales += step) {
      CopyHalves(rows, at, scales + kHalves * vector);
      if (kHasOffset) CopyHalves(rows, at + 2, scales + kHalvesOfPart + kHalves * vector);
    }
  }
  static Vec Scale(const uint8_t*, const uint8_t* scales, int64_t vector, int) {
    return LoadF16(scales + kHalves * vector);
  }
  static Vec Offset(const uint8_t*, const uint8_t* scales, int64_t vector) {
    return LoadF16(scales + kHalvesOfPart + kHalves * vector);
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
  static constexpr int64_t kBlockBytes = 2 * kHalvesOfPart;
  static constexpr int64_t kScaleBytes = 2 * kRowsOfPart;

  template <int kHalf>
  static void Read(const uint8_t* block, uint8_t* first, uint8_t* second) {
    StoreHalfBlock<Split, kHalf>(block, first, second);
  }
  static void PackScales(const uint8_t* const* rows, int64_t vector, uint8_t* block, uint8_t* scales, int64_t step) {
    block += kHalves * vector;
    scales += kLanes * vector;
    CopyHalves(rows, 0, block);
    for (int64_t r = 0; r < kLanes; ++r) {
      block[kHalvesOfPart + 2 * r] = rows[r][2];
      block[kHalvesOfPart + 2 * r + 1] = rows[r][3] ^ 0x80;
      uint8_t bytes[16];
      UnpackGroupScales(rows[r], bytes);
      for (int64_t g = 0; g < 8; ++g) {
        scales[g * step + r] = bytes[g];
        scales[g * step + kRowsOfPart + r] = bytes[8 + g];
      }
    }
  }
  static Vec Scale(const uint8_t* block, const uint8_t* scales, int64_t vector, int) {
    return Mul(LoadF16(block + kHalves * vector), LoadU8(scales + kLanes * vector));
  }
  static Vec Offset(const uint8_t* block, const uint8_t* scales, int64_t vector) {
    return Mul(LoadF16(block + kHalvesOfPart + kHalves * vector), LoadU8(scales + kRowsOfPart + kLanes * vector));
  }
};

// A block of 256 with a scale of 8 bits for each half of a group. It begins with f16 d of its rows; a group ends
// with the scales of its first half, then of its second.
struct PackedSixes {
  using Bundle = SixBundle;
  static constexpr int64_t kColumns = 256;
  static constexpr int64_t kBytes = SplitSixes::kBytes;
  static constexpr int32_t kMiddle = 32;
  static constexpr bool kHasOffset = false;
  static constexpr int kScalesOfGroup = 2;
  static constexpr int64_t kBlockBytes = kHalvesOfPart;
  static constexpr int64_t kScaleBytes = 2 * kRowsOfPart;

  template <int kHalf>
  static void Read(const uint8_t* block, uint8_t* first, uint8_t* second) {
    StoreHalfBlock<SplitSixes, kHalf>(block, first, second);
  }
  static void PackScales(const uint8_t* const* rows, int64_t vector, uint8_t* block, uint8_t* scales, int64_t step) {
    CopyHalves(rows, 208, block + kHalves * vector);
    scales += kLanes * vector;
    for (int64_t r = 0; r < kLanes; ++r) {
      for (int64_t i = 0; i < 16; ++i) scales[i / 2 * step + i % 2 * kRowsOfPart + r] = rows[r][192 + i];
    }
  }
  static Vec Scale(const uint8_t* block, const uint8_t* scales, int64_t vector, int64_t half) {
    return Mul(LoadF16(block + kHalves * vector), LoadI8(scales + kRowsOfPart * half + kLanes * vector));
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
constexpr int64_t kBundleBytes = int64_t{Unit::Bundle::kVectors} * kPairBytes;  // of both
template <class Unit>
constexpr int64_t kGroupBytes = kBundleBytes<Unit> + Unit::kScaleBytes;
template <class Unit>
constexpr int64_t kPackUnitBytes = Unit::kBlockBytes + Unit::kColumns / 32 * kGroupBytes<Unit>;

// ---- packing ----

// Rows that are packed at once: more would each be read from a page of their own.
constexpr int64_t kPackedAtOnce = 16;
constexpr int64_t kVectorsAtOnce = kPackedAtOnce / kLanes;

// 128 columns of a unit, for the vectors from `vector` of the part on; `bundle` is the first group's.
template <class Unit, int kHalf>
void PackGroups(const uint8_t* const* rows, int64_t vector, bool stays, uint8_t* bundle) {
  alignas(64) uint8_t first[kPackedAtOnce][64];
  alignas(64) uint8_t second[kPackedAtOnce][64];
  for (int64_t r = 0; r < kPackedAtOnce; ++r) Unit::template Read<kHalf>(rows[r], first[r], second[r]);
  for (int64_t g = 0; g < 4; ++g, bundle += kGroupBytes<Unit>) {
    Bytes vectors[kVectorsAtOnce][Unit::Bundle::kVectors];
    for (int64_t i = 0; i < kVectorsAtOnce; ++i) {
      Bytes low[4];
      Bytes high[4];
      LanesOfRows(first[kLanes * i] + 16 * g, low);
      LanesOfRows(second[kLanes * i] + 16 * g, high);
      const Codes pairs[4] = {{low[0], high[0]}, {low[1], high[1]}, {low[2], high[2]}, {low[3], high[3]}};
      Unit::Bundle::Pack(pairs, vectors[i]);
    }
    for (int64_t v = 0; v < Unit::Bundle::kVectors; ++v) {
      for (int64_t i = 0; i < kVectorsAtOnce; ++i) {
        StorePacked(bundle + (kBeside * v + vector + i) * kVectorBytes, vectors[i][v], stays);
      }
    }
  }
}

template <class Unit>
void PackUnit(const uint8_t* const* rows, int64_t vector, bool stays, uint8_t* block) {
  uint8_t* const group = block + Unit::kBlockBytes;
  PackGroups<Unit, 0>(rows, vector, stays, group);
  if constexpr (Unit::kColumns == 256) PackGroups<Unit, 1>(rows, vector, stays, group + 4 * kGroupBytes<Unit>);
  for (int64_t i = 0; i < kVectorsAtOnce; ++i) {
    Unit::PackScales(rows + kLanes * i, vector + i, block, group + kBundleBytes<Unit>, kGroupBytes<Unit>);
  }
}

// Sixteen rows, from vector `vector` of a part on.
template <class Unit>
void PackSixteen(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, int64_t vector, bool stays,
                 uint8_t* part) {
  const uint8_t* unit[kPackedAtOnce];
  int64_t at = 0;
  for (int64_t i = 0; i + Unit::kColumns <= columns; i += Unit::kColumns, at += Unit::kBytes) {
    for (int64_t r = 0; r < kPackedAtOnce; ++r) {
      unit[r] = rows[r] + at;
      PrefetchLines<Unit::kBytes>(next[r] + at);
    }
    PackUnit<Unit>(unit, vector, stays, part);
    part += kPackUnitBytes<Unit>;
  }
  const int64_t rest = columns % Unit::kColumns;
  if (rest == 0) return;
  // Blocks of zeros behind the last ones have scales of 0.
  uint8_t last[kPackedAtOnce][Unit::kBytes] = {};
  for (int64_t r = 0; r < kPackedAtOnce; ++r) {
    memcpy(last[r], rows[r] + at, static_cast<size_t>(Unit::kBytes * rest / Unit::kColumns));
    unit[r] = last[r];
  }
  PackUnit<Unit>(unit, vector, stays, part);
}

template <class Unit>
int64_t PartBytes(int64_t columns) {
  return (columns + Unit::kColumns - 1) / Unit::kColumns * kPackUnitBytes<Unit>;
}

template <class Unit>
void PackRows(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, bool stays, uint8_t* pack) {
  for (int64_t row = 0; row < kPackedRows; row += kPackedAtOnce) {
    const uint8_t* const* following = row + kPackedAtOnce < kPackedRows ? rows + row + kPackedAtOnce : next;
    PackSixteen<Unit>(rows + row, following, columns, row % kRowsOfPart / kLanes, stays,
                      pack + row / kRowsOfPart * PartBytes<Unit>(columns));
  }
}

// ---- products ----

// The codes of a group's halves kBegin .. kEnd - 1 times its elements.
template <class Unit, int kTokens, int kBegin, int kEnd>
struct PackedProducts {
  using Sums = LaneSums<Unit::Bundle::kBits>;

  __attribute__((always_inline))
  PackedProducts(const uint8_t* bundles, const SplitUnit* const (&units)[kTokens], int64_t group) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
      for (int s = 0; s < kBeside; ++s) {
        for (Sums& chain : sum[t][s]) chain.Start(0);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      Bytes codes[kBeside][2];
#pragma GCC unroll 2
      for (int s = 0; s < kBeside; ++s) {
        const auto load = [&](int64_t i) { return LoadBytes(bundles + kVectorBytes * (kBeside * i + s)); };
        const Codes pair = Unit::Bundle::Read(load, v);
        codes[s][0] = pair.first;
        codes[s][1] = pair.second;
      }
      const int64_t at = 16 * group + int64_t{4} * v;
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
        for (int half = kBegin; half < kEnd; ++half) {
          const typename Sums::Four four(*units[t], half, at);
#pragma GCC unroll 2
          for (int s = 0; s < kBeside; ++s) {
            const int count = (kEnd - kBegin) * v + half - kBegin + 1;
            Sums& own = sum[t][s][count % kChains];
            own.Add(codes[s][half], four);
            if (count % Sums::kMost == 0 && count < 4 * (kEnd - kBegin)) own.Flush();
          }
        }
      }
    }
  }

  // Less what the middle of the codes makes of the elements.
  Vec Total(int t, int s, const SplitUnit& own, int64_t group) const {
    Sums all = sum[t][s][0];
    if constexpr (kChains == 2) all.Join(sum[t][s][1]);
    if constexpr (Unit::kMiddle == 0) return all.Total();
    const int32_t both = own.middle[0][4 * group];
    const int32_t first = own.middle[1][4 * group];
    return all.Total(kEnd - kBegin == 2 ? both : kBegin == 0 ? first : both - first);
  }

  // Where products wait for the sum that they are added to, two take turns.
  static constexpr int kChains = Sums::kTakesTurns && kTokens == 1 ? 2 : 1;
  Sums sum[kTokens][kBeside][kChains];
};

// Each of four groups is added to a sum of its own, as in the lanes of split_blocks.inl.
template <int kTokens>
using GroupSums = Vec[kTokens][kBeside][4];

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
  for (int s = 0; s < kBeside; ++s) {
    const Vec scale = Unit::Scale(at.block, at.scales, s, kBegin);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      Vec& own = sum[t][s][at.number];
      own = Fma(Mul(scale, Set(units[t]->step[4 * at.number])), products.Total(t, s, *units[t], at.number), own);
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
    for (int s = 0; s < kBeside; ++s) {
      const Vec offset = Unit::Offset(at.block, at.scales, s);
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        sum[t][s][at.number] = Fma(offset, Set(units[t]->sum[4 * at.number]), sum[t][s][at.number]);
      }
    }
  }
}

// Adds a part's rows; out (tokens, kPackedRows).
template <class Unit, int kTokens>
void TakePackedDots(const uint8_t* part, const SplitUnit* const* units, int64_t columns, int64_t ahead, float* out) {
  GroupSums<kTokens> sum;
  for (auto& token : sum) {
    for (auto& vector : token) {
      for (Vec& group : vector) group = Zero();
    }
  }
  const SplitUnit* own[kTokens];
  for (int t = 0; t < kTokens; ++t) own[t] = units[t];
  for (int64_t column = 0; column < columns; column += Unit::kColumns) {
    const uint8_t* const block = part;
    if (ahead > 0) PrefetchLines<Unit::kBlockBytes>(block + ahead);
    part += Unit::kBlockBytes;
    for (int64_t first = 0; first < Unit::kColumns / 32; first += 4) {
#pragma GCC unroll 4
      for (int64_t g = 0; g < 4; ++g, part += kGroupBytes<Unit>) {
        if (ahead > 0) PrefetchLines<kGroupBytes<Unit>>(part + ahead);
        AddPackedGroup<Unit, kTokens>({block, part, part + kBundleBytes<Unit>, g}, own, sum);
      }
      for (const SplitUnit*& unit : own) ++unit;
    }
  }
  for (int64_t t = 0; t < kTokens; ++t) {
    for (int64_t s = 0; s < kBeside; ++s) {
      const Vec(&groups)[4] = sum[t][s];
      Store(out + t * kPackedRows + s * kLanes, Add(Add(groups[0], groups[2]), Add(groups[1], groups[3])));
    }
  }
}

// A part stays in the cache for further tokens.
template <class Unit>
void PackedDotEach(const uint8_t* pack, const SplitUnit* const* units, int32_t tokens, int64_t columns, int64_t ahead,
                   float* out) {
  for (int64_t part = 0; part < kParts; ++part, pack += PartBytes<Unit>(columns), out += kRowsOfPart) {
    ForFewTokens<kTokensOfPack>(tokens, [&](auto few, int32_t t) {
      TakePackedDots<Unit, decltype(few)::kTokens>(pack, units + t, columns, t == 0 ? ahead : 0,
                                                   out + int64_t{kPackedRows} * t);
    });
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
