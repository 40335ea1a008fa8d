// Blocks of weights times units of a split vector, four rows at once, for AVX2: as split_blocks.inl and
// split_super_blocks.inl have it, but a vector holds two groups of 32 columns, so a unit takes two of them.
#pragma once

#include "simd/four_rows.inl"
#include "simd/quants.inl"
#if defined(__AVXVNNI__)
#include "simd/byte_products_avxvnni.inl"
#else
#include "simd/byte_products_avx2.inl"
#endif

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// ---- four rows ----

// The sums of the lanes that belong to each of four rows.
inline __m128 SumRows(const Vec (&sum)[2]) {
  const Vec both = Add(sum[0], sum[1]);
  return _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
}

// Lane 4 b + r becomes the sum of the lanes 4 b .. 4 b + 3 of vector r.
inline __m256i AddLanes(const __m256i (&v)[4]) {
  return _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
}

// ---- codes of two groups ----

// A byte each without a sign: of the first 16 elements of both groups, and of the others.
struct Codes {
  void Store(uint8_t* first_halves, uint8_t* second_halves) const {
    StoreBytes(first_halves, first);
    StoreBytes(second_halves, second);
  }

  __m256i first;
  __m256i second;
};

inline __m256i LoadTwo(const uint8_t* address, int64_t stride) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(Load16Bytes(address)), Load16Bytes(address + stride), 1);
}

inline __m256i LowNibbles(__m256i pairs) { return _mm256_and_si256(pairs, _mm256_set1_epi8(15)); }

inline Codes SplitNibbles(__m256i pairs) { return {LowNibbles(pairs), LowNibbles(_mm256_srli_epi16(pairs, 4))}; }

// Two groups in their order as halves of both.
inline Codes JoinHalves(__m256i group, __m256i next) {
  return {_mm256_permute2x128_si256(group, next, 0x20), _mm256_permute2x128_si256(group, next, 0x31)};
}

// 16 in each byte whose bit is set: bit i of byte i of each eight.
inline __m256i SixteensOf(__m256i bytes) {
  const __m256i own = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, own), own), _mm256_set1_epi8(16));
}

// Byte kByte of each lane eight times, then the next one.
template <char kByte>
inline __m256i TwoBytesOf(__m256i bits) {
  const __m128i order = _mm_unpacklo_epi64(_mm_set1_epi8(kByte), _mm_set1_epi8(kByte + 1));
  return _mm256_shuffle_epi8(bits, _mm256_broadcastsi128_si256(order));
}

template <int64_t kStride>
inline Codes NibblesOf(const uint8_t* packed) {
  return SplitNibbles(LoadTwo(packed, kStride));
}

template <int64_t kStride>
inline Codes FivesOf(const uint8_t* fifths, const uint8_t* packed) {
  const Codes low = NibblesOf<kStride>(packed);
  const __m256i bits = _mm256_setr_m128i(_mm_cvtsi32_si128(static_cast<int32_t>(LoadBits32(fifths))),
                                         _mm_cvtsi32_si128(static_cast<int32_t>(LoadBits32(fifths + kStride))));
  return {_mm256_or_si256(low.first, SixteensOf(TwoBytesOf<0>(bits))),
          _mm256_or_si256(low.second, SixteensOf(TwoBytesOf<2>(bits)))};
}

// A block's scale stands first; a value is scale * (code - kMiddle), or scale * code + offset.
struct Q8Split {
  static constexpr int64_t kBytes = 34;
  static constexpr int32_t kMiddle = kByteMiddle;
  static constexpr bool kHasOffset = false;
  static Codes Read(const uint8_t* blocks) {
    const __m256i sign = _mm256_set1_epi8(-128);
    return {_mm256_xor_si256(LoadTwo(blocks + 2, kBytes), sign), _mm256_xor_si256(LoadTwo(blocks + 18, kBytes), sign)};
  }
};
struct Q4Split {
  static constexpr int64_t kBytes = 18;
  static constexpr int32_t kMiddle = 8;
  static constexpr bool kHasOffset = false;
  static Codes Read(const uint8_t* blocks) { return NibblesOf<kBytes>(blocks + 2); }
};
struct Q4_1Split {
  static constexpr int64_t kBytes = 20;
  static constexpr int32_t kMiddle = 0;
  static constexpr bool kHasOffset = true;
  static Codes Read(const uint8_t* blocks) { return NibblesOf<kBytes>(blocks + 4); }
};
struct Q5_0Split {
  static constexpr int64_t kBytes = 22;
  static constexpr int32_t kMiddle = 16;
  static constexpr bool kHasOffset = false;
  static Codes Read(const uint8_t* blocks) { return FivesOf<kBytes>(blocks + 2, blocks + 6); }
};
struct Q5_1Split {
  static constexpr int64_t kBytes = 24;
  static constexpr int32_t kMiddle = 0;
  static constexpr bool kHasOffset = true;
  static Codes Read(const uint8_t* blocks) { return FivesOf<kBytes>(blocks + 4, blocks + 8); }
};

// ---- products ----

// Of codes of eight bits and one group, which is lane `lane`: sums for each lane.
template <int lane>
inline __m256i MultiplyWords(const Codes& codes, const SplitUnit& unit, int64_t group) {
  const auto words = [](__m256i bytes) { return _mm256_cvtepu8_epi16(_mm256_extracti128_si256(bytes, lane)); };
  return _mm256_add_epi32(_mm256_madd_epi16(words(codes.first), LoadBytes(Words(unit, 0, group))),
                          _mm256_madd_epi16(words(codes.second), LoadBytes(Words(unit, 1, group))));
}

// The codes of four rows.
struct FourCodes {
  // The group b of row r in lane 4 b + r.
  template <bool kWithWords>
  __m256i Times(const SplitUnit& unit, int64_t pair) const {
    if constexpr (kWithWords) {
      __m256i group[4];
      __m256i next[4];
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        group[r] = MultiplyWords<0>(row[r], unit, 2 * pair);
        next[r] = MultiplyWords<1>(row[r], unit, 2 * pair + 1);
      }
      const Codes lanes = JoinHalves(AddLanes(group), AddLanes(next));
      return _mm256_add_epi32(lanes.first, lanes.second);
    } else {
      __m256i dots[4];
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) dots[r] = MultiplyBoth(row[r].first, row[r].second, unit, pair);
      return AddLanes(dots);
    }
  }

  Codes row[4];
};

// The halves at one place of two blocks of each row, as F32.
inline Vec HalvesOf(const FourRows& blocks, int64_t stride) {
  uint16_t halves[8];
#pragma GCC unroll 8
  for (int64_t i = 0; i < 8; ++i) memcpy(halves + i, blocks.row[i % 4] + i / 4 * stride, sizeof(uint16_t));
  return LoadF16(reinterpret_cast<const uint8_t*>(halves));
}

inline __m256i MiddleOf(const int32_t* middle, int64_t pair) { return LoadBytes(middle + 8 * pair); }

// Four blocks of 32 elements.
template <class Format>
struct SplitBlocks {
  static constexpr int64_t kUnitBytes = 4 * Format::kBytes;
  static constexpr int64_t kUnitElements = kSplitUnit;

  template <int kTokens>
  static void AddUnit(const FourRows& blocks, const SplitUnit* unit, int64_t stride, UnitSums<kTokens>& sum) {
#pragma GCC unroll 2
    for (int64_t pair = 0; pair < 2; ++pair) {
      const FourRows two = blocks.At(2 * pair * Format::kBytes);
      FourCodes codes;
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) codes.row[r] = Format::Read(two.row[r]);
      const Vec scale = HalvesOf(two, Format::kBytes);
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const SplitUnit& own = unit[t * stride];
        __m256i dot = codes.Times<kAreWords<Format::kMiddle>>(own, pair);
        if constexpr (Format::kMiddle > 0) dot = _mm256_sub_epi32(dot, MiddleOf(own.middle[0], pair));
        sum[t][pair] = Fma(Mul(scale, Load(own.step + 8 * pair)), _mm256_cvtepi32_ps(dot), sum[t][pair]);
      }
      if constexpr (Format::kHasOffset) {
        const Vec offset = HalvesOf(two.At(2), Format::kBytes);
        for (int t = 0; t < kTokens; ++t) {
          sum[t][pair] = Fma(offset, Load(unit[t * stride].sum + 8 * pair), sum[t][pair]);
        }
      }
    }
  }
};

// ---- blocks of 256 ----

// Values of each of four rows, eight a row: lane 4 b + r of vector p becomes value 2 p + b of row r.
inline void JoinRows(const Vec (&values)[4], Vec (&out)[4]) {
  const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(values[0], values[1]));
  const __m256d b = _mm256_castps_pd(_mm256_unpackhi_ps(values[0], values[1]));
  const __m256d c = _mm256_castps_pd(_mm256_unpacklo_ps(values[2], values[3]));
  const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(values[2], values[3]));
  const Vec v[4] = {_mm256_castpd_ps(_mm256_unpacklo_pd(a, c)), _mm256_castpd_ps(_mm256_unpackhi_pd(a, c)),
                    _mm256_castpd_ps(_mm256_unpacklo_pd(b, d)), _mm256_castpd_ps(_mm256_unpackhi_pd(b, d))};
  for (int64_t half = 0; half < 2; ++half) {
    out[half] = _mm256_permute2f128_ps(v[2 * half], v[2 * half + 1], 0x20);
    out[2 + half] = _mm256_permute2f128_ps(v[2 * half], v[2 * half + 1], 0x31);
  }
}

// A byte has nibbles of two groups.
struct Q4_KSplit {
  static constexpr int64_t kBytes = 144;
  template <int kPair>
  static Codes Read(const uint8_t* block) {
    const Codes nibbles = SplitNibbles(Load256(block + 16 + int64_t{32} * kPair));
    return JoinHalves(nibbles.first, nibbles.second);
  }
};

struct Q5_KSplit {
  static constexpr int64_t kBytes = 176;
  template <int kGroup>
  static __m256i Tops(__m256i bits) {
    return _mm256_slli_epi16(_mm256_and_si256(_mm256_srli_epi16(bits, kGroup), _mm256_set1_epi8(1)), 4);
  }
  template <int kPair>
  static Codes Read(const uint8_t* block) {
    const __m256i bits = Load256(block + 16);
    const Codes nibbles = SplitNibbles(Load256(block + 48 + int64_t{32} * kPair));
    return JoinHalves(_mm256_or_si256(nibbles.first, Tops<2 * kPair>(bits)),
                      _mm256_or_si256(nibbles.second, Tops<2 * kPair + 1>(bits)));
  }
};

template <class Format>
struct SplitScaledBlocks {
  static constexpr int64_t kUnitBytes = Format::kBytes;
  static constexpr int64_t kUnitElements = 256;

  template <int kPair, int kTokens>
  static void AddPair(const FourRows& blocks, Vec scale, Vec min, const SplitUnit* unit, int64_t stride,
                      UnitSums<kTokens>& sum) {
    FourCodes codes;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) codes.row[r] = Format::template Read<kPair>(blocks.row[r]);
    constexpr int64_t kOfUnit = kPair % 2;
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const SplitUnit& own = unit[t * stride + kPair / 2];
      Vec& all = sum[t][kOfUnit];
      const __m256i dot = codes.Times<false>(own, kOfUnit);
      all = Fma(Mul(scale, Load(own.step + 8 * kOfUnit)), _mm256_cvtepi32_ps(dot), all);
      all = _mm256_fnmadd_ps(min, Load(own.sum + 8 * kOfUnit), all);
    }
  }

  template <int kTokens>
  static void AddUnit(const FourRows& blocks, const SplitUnit* unit, int64_t stride, UnitSums<kTokens>& sum) {
    Vec scales_of_row[4];
    Vec mins_of_row[4];
    for (int r = 0; r < 4; ++r) {
      uint8_t bytes[16];
      UnpackGroupScales(blocks.row[r], bytes);
      scales_of_row[r] = Mul(BroadcastHalf(blocks.row[r]), LoadU8(bytes));
      mins_of_row[r] = Mul(BroadcastHalf(blocks.row[r] + 2), LoadU8(bytes + 8));
    }
    Vec scales[4];
    Vec mins[4];
    JoinRows(scales_of_row, scales);
    JoinRows(mins_of_row, mins);
    AddPair<0, kTokens>(blocks, scales[0], mins[0], unit, stride, sum);
    AddPair<1, kTokens>(blocks, scales[1], mins[1], unit, stride, sum);
    AddPair<2, kTokens>(blocks, scales[2], mins[2], unit, stride, sum);
    AddPair<3, kTokens>(blocks, scales[3], mins[3], unit, stride, sum);
  }
};

// Each half of a group has a scale.
struct SplitSixes {
  static constexpr int64_t kBytes = 210;
  static constexpr int64_t kUnitBytes = kBytes;
  static constexpr int64_t kUnitElements = 256;

  // Nibbles, with the two bits of their group above them.
  template <int kGroup>
  static __m256i WithTops(__m256i nibbles, __m256i tops) {
    const __m256i two = _mm256_and_si256(_mm256_srli_epi16(tops, 2 * kGroup), _mm256_set1_epi8(3));
    return _mm256_or_si256(nibbles, _mm256_slli_epi16(two, 4));
  }

  template <int kPair>
  static Codes Read(const uint8_t* block) {
    constexpr int64_t kHalf = kPair / 2;
    const __m256i tops = Load256(block + 128 + 32 * kHalf);
    const Codes group = SplitNibbles(Load256(block + 64 * kHalf));
    const Codes next = SplitNibbles(Load256(block + 64 * kHalf + 32));
    if constexpr (kPair % 2 == 0) return JoinHalves(WithTops<0>(group.first, tops), WithTops<1>(next.first, tops));
    return JoinHalves(WithTops<2>(group.second, tops), WithTops<3>(next.second, tops));
  }

  template <int kPair, int kTokens>
  static void AddPair(const FourRows& blocks, Vec first_scale, Vec second_scale, const SplitUnit* unit, int64_t stride,
                      UnitSums<kTokens>& sum) {
    FourCodes codes;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) codes.row[r] = Read<kPair>(blocks.row[r]);
    constexpr int64_t kOfUnit = kPair % 2;
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const SplitUnit& own = unit[t * stride + kPair / 2];
      __m256i first[4];
      __m256i second[4];
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        first[r] = MultiplyHalf(codes.row[r].first, own, 0, kOfUnit);
        second[r] = MultiplyHalf(codes.row[r].second, own, 1, kOfUnit);
      }
      const Vec step = Load(own.step + 8 * kOfUnit);
      const __m256i first_middle = MiddleOf(own.middle[1], kOfUnit);
      const __m256i second_middle = _mm256_sub_epi32(MiddleOf(own.middle[0], kOfUnit), first_middle);
      Vec& all = sum[t][kOfUnit];
      all = Fma(Mul(first_scale, step), _mm256_cvtepi32_ps(_mm256_sub_epi32(AddLanes(first), first_middle)), all);
      all = Fma(Mul(second_scale, step), _mm256_cvtepi32_ps(_mm256_sub_epi32(AddLanes(second), second_middle)), all);
    }
  }

  template <int kTokens>
  static void AddUnit(const FourRows& blocks, const SplitUnit* unit, int64_t stride, UnitSums<kTokens>& sum) {
    // Of first halves, then of second ones: the bytes of either stand two apart.
    const __m128i order = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    Vec first_of_row[4];
    Vec second_of_row[4];
    for (int r = 0; r < 4; ++r) {
      alignas(16) uint8_t bytes[16];
      _mm_store_si128(reinterpret_cast<__m128i*>(bytes), _mm_shuffle_epi8(Load16Bytes(blocks.row[r] + 192), order));
      const Vec d = BroadcastHalf(blocks.row[r] + 208);
      first_of_row[r] = Mul(d, LoadI8(bytes));
      second_of_row[r] = Mul(d, LoadI8(bytes + 8));
    }
    Vec first[4];
    Vec second[4];
    JoinRows(first_of_row, first);
    JoinRows(second_of_row, second);
    AddPair<0, kTokens>(blocks, first[0], second[0], unit, stride, sum);
    AddPair<1, kTokens>(blocks, first[1], second[1], unit, stride, sum);
    AddPair<2, kTokens>(blocks, first[2], second[2], unit, stride, sum);
    AddPair<3, kTokens>(blocks, first[3], second[3], unit, stride, sum);
  }
};

// ---- packs ----

// The codes of 128 columns of a row, half by half: of four blocks, or of half kHalf of a block of 256.
template <class Split>
void StoreBlocks(const uint8_t* blocks, uint8_t* first, uint8_t* second) {
  for (int64_t pair = 0; pair < 2; ++pair) {
    Split::Read(blocks + 2 * pair * Split::kBytes).Store(first + 32 * pair, second + 32 * pair);
  }
}
template <class Split, int kHalf>
void StoreHalfBlock(const uint8_t* block, uint8_t* first, uint8_t* second) {
  Split::template Read<2 * kHalf>(block).Store(first, second);
  Split::template Read<2 * kHalf + 1>(block).Store(first + 32, second + 32);
}

// Of eight rows 16 bytes each, 64 apart: lane r of vector v becomes lane v of row r.
inline void LanesOfRows(const uint8_t* rows, Bytes (&out)[4]) {
  __m256i v[4];
  for (int64_t r = 0; r < 4; ++r) v[r] = LoadTwo(rows + 64 * r, 256);
  const __m256i a = _mm256_unpacklo_epi32(v[0], v[1]);
  const __m256i b = _mm256_unpackhi_epi32(v[0], v[1]);
  const __m256i c = _mm256_unpacklo_epi32(v[2], v[3]);
  const __m256i d = _mm256_unpackhi_epi32(v[2], v[3]);
  out[0] = _mm256_unpacklo_epi64(a, c);
  out[1] = _mm256_unpackhi_epi64(a, c);
  out[2] = _mm256_unpacklo_epi64(b, d);
  out[3] = _mm256_unpackhi_epi64(b, d);
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
