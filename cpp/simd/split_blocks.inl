// Blocks of 32 weights times units of a split vector, four rows at once. 128 weights become two vectors of bytes
// without a sign, the first 16 elements of each of four groups and the others, which VNNI multiplies with the digits of
// the vector. What four lanes of a row hold is added up before scales are applied, so one vector has the sums of four
// groups of four rows: group b of row r in lane 4 b + r. Unpacking bounds the time on few cores, memory on many.
#pragma once

#include "simd/four_rows.inl"
#include "simd/vnni_sums.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// ---- four rows ----

// The sums of the lanes that belong to each of four rows.
inline __m128 SumRows(const Vec (&sum)[1]) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(sum[0]), _mm512_extractf32x8_ps(sum[0], 1));
  return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

// Lane 4 b + r becomes the sum of the lanes 4 b .. 4 b + 3 of vector r.
inline __m512i AddLanes(const __m512i (&v)[4]) {
  const __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
  const __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

// Lane 4 b + r becomes the lane of vector r that `index` has at b.
inline __m512 JoinRows(const __m512 (&v)[4], __m512i index) {
  __m512 joined = _mm512_maskz_permutexvar_ps(0x1111, index, v[0]);
  joined = _mm512_mask_permutexvar_ps(joined, 0x2222, index, v[1]);
  joined = _mm512_mask_permutexvar_ps(joined, 0x4444, index, v[2]);
  return _mm512_mask_permutexvar_ps(joined, 0x8888, index, v[3]);
}

// ---- four blocks of 32 elements ----

inline __m512i LoadQuarters(const uint8_t* address, int64_t stride) {
  __m512i v = _mm512_castsi128_si512(Load16Bytes(address));
  v = _mm512_inserti64x2(v, Load16Bytes(address + stride), 1);
  v = _mm512_inserti64x2(v, Load16Bytes(address + 2 * stride), 2);
  return _mm512_inserti64x2(v, Load16Bytes(address + 3 * stride), 3);
}

inline uint64_t LoadFourHalves(const uint8_t* address, int64_t stride) {
  uint64_t packed = 0;
#pragma GCC unroll 4
  for (int64_t i = 0; i < 4; ++i) {
    uint16_t half;
    memcpy(&half, address + i * stride, sizeof(half));
    packed |= static_cast<uint64_t>(half) << (16 * i);
  }
  return packed;
}

// The halves at byte `at` of four blocks of each row, kStride apart, as F32.
template <int64_t kStride>
inline __m512 HalvesOf(const FourRows& blocks, int64_t at) {
  if constexpr (3 * kStride + 4 <= 64) {
    const auto a = static_cast<int16_t>(at / 2);
    const auto b = static_cast<int16_t>(a + kStride / 2);
    const auto c = static_cast<int16_t>(b + kStride / 2);
    const auto d = static_cast<int16_t>(c + kStride / 2);
    const __m512i index = _mm512_castsi256_si512(_mm256_setr_epi16(a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d));
    __m512i halves = _mm512_maskz_permutexvar_epi16(0x1111, index, _mm512_loadu_si512(blocks.row[0]));
    halves = _mm512_mask_permutexvar_epi16(halves, 0x2222, index, _mm512_loadu_si512(blocks.row[1]));
    halves = _mm512_mask_permutexvar_epi16(halves, 0x4444, index, _mm512_loadu_si512(blocks.row[2]));
    halves = _mm512_mask_permutexvar_epi16(halves, 0x8888, index, _mm512_loadu_si512(blocks.row[3]));
    return _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
  } else {
    uint64_t halves[4];
    for (int r = 0; r < 4; ++r) halves[r] = LoadFourHalves(blocks.row[r] + at, kStride);
    const __m256i index = _mm256_setr_epi16(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_cvtph_ps(_mm256_permutexvar_epi16(index, Load32Bytes(halves)));
  }
}

struct Codes {
  void Store(uint8_t* first_halves, uint8_t* second_halves) const {
    _mm512_store_si512(first_halves, first);
    _mm512_store_si512(second_halves, second);
  }

  __m512i first;
  __m512i second;
};

inline Codes SplitNibbles(__m512i pairs) {
  const __m512i mask = _mm512_set1_epi8(15);
  return {_mm512_and_si512(pairs, mask), _mm512_and_si512(_mm512_srli_epi16(pairs, 4), mask)};
}

template <int64_t kStride>
inline Codes NibblesOf(const uint8_t* packed) {
  return SplitNibbles(LoadQuarters(packed, kStride));
}

template <int64_t kStride>
inline Codes FivesOf(const uint8_t* fifths, const uint8_t* packed) {
  const __m512i sixteen = _mm512_set1_epi8(16);
  const Codes low = NibblesOf<kStride>(packed);
  return {_mm512_mask_add_epi8(low.first, LoadFourHalves(fifths, kStride), low.first, sixteen),
          _mm512_mask_add_epi8(low.second, LoadFourHalves(fifths + 2, kStride), low.second, sixteen)};
}

// A block's scale stands first; a value is scale * (code - kMiddle), or scale * code + offset.
struct Q8Split {
  static constexpr int64_t kBytes = 34;
  static constexpr int32_t kMiddle = 128;
  static constexpr bool kHasOffset = false;
  static Codes Read(const uint8_t* blocks) {
    const __m512i sign = _mm512_set1_epi8(-128);
    return {_mm512_xor_si512(LoadQuarters(blocks + 2, kBytes), sign),
            _mm512_xor_si512(LoadQuarters(blocks + 18, kBytes), sign)};
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

// The codes of four rows.
struct FourCodes {
  Codes row[4];

  __attribute__((always_inline)) __m512i Times(const SplitUnit& unit) const {
    __m512i dots[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) dots[r] = MultiplyBoth(row[r].first, row[r].second, unit);
    return AddLanes(dots);
  }
};

template <class Format>
struct SplitBlocks {
  static constexpr int64_t kUnitBytes = 4 * Format::kBytes;
  static constexpr int64_t kUnitElements = kSplitUnit;

  template <int kTokens>
  static void AddUnit(const FourRows& blocks, const SplitUnit* unit, int64_t stride, UnitSums<kTokens>& sum) {
    FourCodes codes;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) codes.row[r] = Format::Read(blocks.row[r]);
    const __m512 scale = HalvesOf<Format::kBytes>(blocks, 0);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const SplitUnit& own = unit[t * stride];
      __m512i dot = codes.Times(own);
      if constexpr (Format::kMiddle > 0) dot = _mm512_sub_epi32(dot, _mm512_load_si512(own.middle[0]));
      sum[t][0] = Fma(Mul(scale, _mm512_load_ps(own.step)), _mm512_cvtepi32_ps(dot), sum[t][0]);
    }
    if constexpr (Format::kHasOffset) {
      const __m512 offset = HalvesOf<Format::kBytes>(blocks, 2);
      for (int t = 0; t < kTokens; ++t) sum[t][0] = Fma(offset, _mm512_load_ps(unit[t * stride].sum), sum[t][0]);
    }
  }
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
