// Blocks of 256 weights, each two units of a split vector, four rows at once: groups of 32, or of 16 for Q6_K, have
// scales of their own, which become vectors of F32 laid out as in split_blocks.inl.
#pragma once

#include "simd/quants.inl"
#include "simd/split_blocks.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Values kFirst, kFirst + kStep, ... of the vector of each row.
template <int kFirst, int kStep>
inline __m512 JoinFrom(const __m512 (&values)[4]) {
  constexpr int kA = kFirst, kB = kFirst + kStep, kC = kFirst + 2 * kStep, kD = kFirst + 3 * kStep;
  return JoinRows(values, _mm512_setr_epi32(kA, kA, kA, kA, kB, kB, kB, kB, kC, kC, kC, kC, kD, kD, kD, kD));
}

// The scales of a block's 8 groups, then their mins.
inline __m512 ScalesAndMins(const uint8_t* block) {
  uint8_t bytes[16];
  UnpackGroupScales(block, bytes);
  const __m512 halves = _mm512_castps128_ps512(_mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(LoadBits32(block)))));
  const __m512i index = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  return Mul(_mm512_permutexvar_ps(index, halves), LoadU8(bytes));
}

// Lanes of 16 bytes of two vectors, in the order of the groups' first or second halves.
inline Codes JoinLanes(__m512i low, __m512i high, __m512i first, __m512i second) {
  return {_mm512_permutex2var_epi64(low, first, high), _mm512_permutex2var_epi64(low, second, high)};
}

// 64 bytes: the low nibbles of 32 of them are a group, the high ones the next.
inline Codes AlternatingNibbles(const uint8_t* packed) {
  const Codes nibbles = SplitNibbles(_mm512_loadu_si512(packed));
  return JoinLanes(nibbles.first, nibbles.second, _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13),
                   _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15));
}

struct Q4_KSplit {
  static constexpr int64_t kBytes = 144;
  template <int kUnit>
  static Codes Read(const uint8_t* block) {
    return AlternatingNibbles(block + 16 + int64_t{64} * kUnit);
  }
};

// Adds 16 where bit kFirstBit of the first lane's bytes is set, the next bit in the next lane, and so on.
template <int kFirstBit>
inline __m512i AddFifths(__m512i codes, const uint8_t* fifths) {
  constexpr int64_t kOnes = 0x0101010101010101;
  constexpr int64_t kA = kOnes << kFirstBit, kB = kA << 1, kC = kA << 2;
  const auto top = static_cast<int64_t>(static_cast<uint64_t>(kOnes) << (kFirstBit + 3));
  const __m512i bits = _mm512_broadcast_i32x4(Load16Bytes(fifths));
  const __mmask64 mask = _mm512_test_epi8_mask(bits, _mm512_setr_epi64(kA, kA, kB, kB, kC, kC, top, top));
  return _mm512_mask_add_epi8(codes, mask, codes, _mm512_set1_epi8(16));
}

struct Q5_KSplit {
  static constexpr int64_t kBytes = 176;
  template <int kUnit>
  static Codes Read(const uint8_t* block) {
    const Codes low = AlternatingNibbles(block + 48 + int64_t{64} * kUnit);
    return {AddFifths<4 * kUnit>(low.first, block + 16), AddFifths<4 * kUnit>(low.second, block + 32)};
  }
};

template <class Format>
struct SplitScaledBlocks {
  static constexpr int64_t kUnitBytes = Format::kBytes;
  static constexpr int64_t kUnitElements = 256;

  template <int kUnit, int kTokens>
  static void AddHalf(const FourRows& blocks, const __m512 (&scales_and_mins)[4], const SplitUnit* unit, int64_t stride,
                      UnitSums<kTokens>& sum) {
    FourCodes codes;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) codes.row[r] = Format::template Read<kUnit>(blocks.row[r]);
    const __m512 scale = JoinFrom<4 * kUnit, 1>(scales_and_mins);
    const __m512 min = JoinFrom<8 + 4 * kUnit, 1>(scales_and_mins);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const SplitUnit& own = unit[t * stride + kUnit];
      sum[t][0] = Fma(Mul(scale, _mm512_load_ps(own.step)), _mm512_cvtepi32_ps(codes.Times(own)), sum[t][0]);
      sum[t][0] = _mm512_fnmadd_ps(min, _mm512_load_ps(own.sum), sum[t][0]);
    }
  }

  template <int kTokens>
  static void AddUnit(const FourRows& blocks, const SplitUnit* unit, int64_t stride, UnitSums<kTokens>& sum) {
    __m512 scales_and_mins[4];
    for (int r = 0; r < 4; ++r) scales_and_mins[r] = ScalesAndMins(blocks.row[r]);
    AddHalf<0, kTokens>(blocks, scales_and_mins, unit, stride, sum);
    AddHalf<1, kTokens>(blocks, scales_and_mins, unit, stride, sum);
  }
};

struct SplitSixes {
  static constexpr int64_t kBytes = 210;
  static constexpr int64_t kUnitBytes = kBytes;
  static constexpr int64_t kUnitElements = 256;

  // Nibbles, with the two bits of each group at their place above them.
  static __m512i WithTops(__m512i nibbles, const uint8_t* tops) {
    const __m512i all = _mm512_broadcast_i32x4(Load16Bytes(tops));
    const __m512i placed = _mm512_rolv_epi64(all, _mm512_setr_epi64(4, 4, 2, 2, 0, 0, 62, 62));
    return _mm512_or_si512(nibbles, _mm512_and_si512(placed, _mm512_set1_epi8(0x30)));
  }

  template <int kUnit>
  static Codes Read(const uint8_t* block) {
    const Codes nibbles = SplitNibbles(_mm512_loadu_si512(block + int64_t{64} * kUnit));
    const Codes low = JoinLanes(nibbles.first, nibbles.second, _mm512_setr_epi64(0, 1, 4, 5, 8, 9, 12, 13),
                                _mm512_setr_epi64(2, 3, 6, 7, 10, 11, 14, 15));
    const uint8_t* tops = block + 128 + int64_t{32} * kUnit;
    return {WithTops(low.first, tops), WithTops(low.second, tops + 16)};
  }

  static __m512i TimesHalf(const __m512i (&codes)[4], const SplitUnit& unit, int half, __m512i middle) {
    __m512i dots[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) dots[r] = MultiplyHalf(codes[r], unit, half);
    return _mm512_sub_epi32(AddLanes(dots), middle);
  }

  template <int kUnit, int kTokens>
  static void AddHalf(const FourRows& blocks, const __m512 (&scales)[4], const SplitUnit* unit, int64_t stride,
                      UnitSums<kTokens>& sum) {
    __m512i first[4];
    __m512i second[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const Codes codes = Read<kUnit>(blocks.row[r]);
      first[r] = codes.first;
      second[r] = codes.second;
    }
    const __m512 first_scale = JoinFrom<8 * kUnit, 2>(scales);
    const __m512 second_scale = JoinFrom<8 * kUnit + 1, 2>(scales);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const SplitUnit& own = unit[t * stride + kUnit];
      const __m512 step = _mm512_load_ps(own.step);
      const __m512i first_middle = _mm512_load_si512(own.middle[1]);
      const __m512i second_middle = _mm512_sub_epi32(_mm512_load_si512(own.middle[0]), first_middle);
      sum[t][0] = Fma(Mul(first_scale, step), _mm512_cvtepi32_ps(TimesHalf(first, own, 0, first_middle)), sum[t][0]);
      sum[t][0] = Fma(Mul(second_scale, step), _mm512_cvtepi32_ps(TimesHalf(second, own, 1, second_middle)), sum[t][0]);
    }
  }

  template <int kTokens>
  static void AddUnit(const FourRows& blocks, const SplitUnit* unit, int64_t stride, UnitSums<kTokens>& sum) {
    __m512 scales[4];
    for (int r = 0; r < 4; ++r) scales[r] = Mul(BroadcastHalf(blocks.row[r] + 208), LoadI8(blocks.row[r] + 192));
    AddHalf<0, kTokens>(blocks, scales, unit, stride, sum);
    AddHalf<1, kTokens>(blocks, scales, unit, stride, sum);
  }
};

// ---- packs ----

// The codes of 128 columns of a row, half by half: of four blocks, or of half kHalf of a block of 256.
template <class Split>
void StoreBlocks(const uint8_t* blocks, uint8_t* first, uint8_t* second) {
  Split::Read(blocks).Store(first, second);
}
template <class Split, int kHalf>
void StoreHalfBlock(const uint8_t* block, uint8_t* first, uint8_t* second) {
  Split::template Read<kHalf>(block).Store(first, second);
}

// Of sixteen rows 16 bytes each, 64 apart: lane r of vector v becomes lane v of row r.
inline void LanesOfRows(const uint8_t* rows, Bytes (&out)[4]) {
  __m512i v[4];
  for (int64_t i = 0; i < 4; ++i) v[i] = LoadQuarters(rows + 256 * i, 64);
  for (int lane = 0; lane < 4; ++lane) {
    const __m512i index = _mm512_add_epi32(_mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28),
                                           _mm512_set1_epi32(lane));
    const __m512i low = _mm512_permutex2var_epi32(v[0], index, v[1]);
    const __m512i high = _mm512_permutex2var_epi32(v[2], index, v[3]);
    out[lane] = _mm512_mask_blend_epi32(0xff00, low, high);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
