// Rows of gate or up that decoding reads again and again, packed: sixteen of them lie side by side, so that a lane has
// one row's codes and a vector's elements are the same for all lanes. That leaves half of the instructions of four rows
// as a file stores them (split_dots.inl), and one stream of memory instead of scattered rows. A row's sums are taken in
// the same order, so they have the same bits.
//   A pack is a chain of units of 128 columns: f16 scales by group and row, (4, 16); then vectors of four codes of each
//   row, (4 groups, vectors of a group, 16 rows, 4 bytes). Columns behind the last have scales of 0.
#pragma once

#include "simd/few_tokens.inl"
#include "simd/split_dots.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Vector v of a row's codes has its four bytes v, as they are in the file: two elements each, 16 apart.
struct PackedNibbles {
  using Split = Q4Split;
  static constexpr int64_t kVectors = 4;  // of a group
  static __m512i Arrange(__m512i codes) { return codes; }
  static Codes Read(const uint8_t* vectors, int64_t v) { return SplitNibbles(_mm512_load_si512(vectors + 64 * v)); }
};

// Four bytes v, an element each, without a sign.
struct PackedBytes {
  using Split = Q8Split;
  static constexpr int64_t kVectors = 8;
  static __m512i Arrange(__m512i codes) { return _mm512_xor_si512(codes, _mm512_set1_epi8(-128)); }
  static Codes Read(const uint8_t* vectors, int64_t v) {
    return {_mm512_load_si512(vectors + 64 * v), _mm512_load_si512(vectors + 64 * (v + 4))};
  }
};

// Four groups of sixteen rows.
template <class Format>
constexpr int64_t kPackUnitBytes = 64 * Format::Split::kBytes;

// Four bytes of each of 16 rows: lane r becomes lane `v` of the 16 bytes of row r.
struct SixteenRows {
  explicit SixteenRows(const uint8_t* const* rows, int64_t offset) {
    for (int64_t i = 0; i < 4; ++i) {
      __m512i four = _mm512_castsi128_si512(Load16Bytes(rows[4 * i] + offset));
      four = _mm512_inserti64x2(four, Load16Bytes(rows[4 * i + 1] + offset), 1);
      four = _mm512_inserti64x2(four, Load16Bytes(rows[4 * i + 2] + offset), 2);
      v[i] = _mm512_inserti64x2(four, Load16Bytes(rows[4 * i + 3] + offset), 3);
    }
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

// Past the cache, for what will be read when the cache has long been filled with other things.
template <bool kStays>
inline void StorePacked(uint8_t* address, __m512i codes) {
  if (kStays) {
    _mm512_store_si512(address, codes);
  } else {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(address), codes);
  }
}

// One unit, of which each row has `groups` groups from `offset` on.
template <class Format, bool kStays>
void PackUnit(const uint8_t* const* rows, int64_t offset, int64_t groups, uint8_t* unit) {
  uint8_t* vectors = unit + int64_t{8} * kPackedRows;
  for (int64_t g = 0; g < groups; ++g, offset += Format::Split::kBytes) {
    for (int64_t r = 0; r < kPackedRows; ++r) memcpy(unit + 2 * (kPackedRows * g + r), rows[r] + offset, 2);
    for (int64_t part = 0; part < Format::kVectors / 4; ++part, vectors += 256) {
      const SixteenRows codes(rows, offset + 2 + 16 * part);
      for (int64_t v = 0; v < 4; ++v) {
        StorePacked<kStays>(vectors + 64 * v, Format::Arrange(codes.Lane(v)));
      }
    }
  }
  memset(unit + groups * 2 * kPackedRows, 0, static_cast<size_t>((4 - groups) * 2 * kPackedRows));
  memset(vectors, 0, static_cast<size_t>(unit + kPackUnitBytes<Format> - vectors));
}

template <class Format, bool kStays>
void PackRows(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, uint8_t* pack) {
  const int64_t groups = columns / 32;
  for (int64_t g = 0; g < groups; g += 4, pack += kPackUnitBytes<Format>) {
    for (int64_t r = 0; r < kPackedRows; ++r) {
      PrefetchLines<4 * Format::Split::kBytes>(next[r] + g * Format::Split::kBytes);
    }
    PackUnit<Format, kStays>(rows, g * Format::Split::kBytes, groups - g < 4 ? groups - g : 4, pack);
  }
}

inline __m512i FourDigits(const int8_t* digits) {
  int32_t four;
  memcpy(&four, digits, sizeof(four));
  return _mm512_set1_epi32(four);
}

// Each group of a unit is added to a sum of its own, as in the lanes of split_blocks.inl. Of two packs each element of
// a vector is loaded once.
template <class Format, int kTokens, int kPacks>
inline void AddPackedUnit(const uint8_t* const* packs, int64_t offset, const SplitUnit* const* units, int64_t unit,
                          Vec (&sum)[kTokens][kPacks][4]) {
#pragma GCC unroll 4
  for (int64_t g = 0; g < 4; ++g) {
    const int64_t vectors = offset + int64_t{8} * kPackedRows + 64 * Format::kVectors * g;
    __m512i high[kTokens][kPacks];
    __m512i low[kTokens][kPacks];
    for (int t = 0; t < kTokens; ++t) {
      for (int p = 0; p < kPacks; ++p) high[t][p] = low[t][p] = _mm512_setzero_si512();
    }
#pragma GCC unroll 4
    for (int64_t v = 0; v < 4; ++v) {
      Codes codes[kPacks];
      for (int p = 0; p < kPacks; ++p) codes[p] = Format::Read(packs[p] + vectors, v);
      const int64_t at = 16 * g + 4 * v;
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const auto& digits = units[t][unit].digits;
        const __m512i first[2] = {FourDigits(digits[0][0] + at), FourDigits(digits[1][0] + at)};
        const __m512i second[2] = {FourDigits(digits[0][1] + at), FourDigits(digits[1][1] + at)};
#pragma GCC unroll 2
        for (int p = 0; p < kPacks; ++p) {
          high[t][p] = _mm512_dpbusd_epi32(high[t][p], codes[p].first, first[0]);
          low[t][p] = _mm512_dpbusd_epi32(low[t][p], codes[p].first, first[1]);
          high[t][p] = _mm512_dpbusd_epi32(high[t][p], codes[p].second, second[0]);
          low[t][p] = _mm512_dpbusd_epi32(low[t][p], codes[p].second, second[1]);
        }
      }
    }
#pragma GCC unroll 2
    for (int p = 0; p < kPacks; ++p) {
      const uint8_t* const scales = packs[p] + offset + g * 2 * kPackedRows;
      const __m512 scale = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(scales)));
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const SplitUnit& own = units[t][unit];
        const __m512i dot = _mm512_sub_epi32(_mm512_add_epi32(_mm512_slli_epi32(high[t][p], 8), low[t][p]),
                                             _mm512_set1_epi32(own.middle[0][4 * g]));
        sum[t][p][g] = Fma(Mul(scale, Set(own.step[4 * g])), _mm512_cvtepi32_ps(dot), sum[t][p][g]);
      }
    }
  }
}

template <class Format, int kTokens, int kPacks>
void TakePackedDots(const uint8_t* const* packs, const uint8_t* const* next, const SplitUnit* const* units,
                    int64_t columns, float* const* out) {
  constexpr int64_t kAhead = 4 * kPackUnitBytes<Format>;
  const int64_t count = SplitUnits(columns);
  const int64_t bytes = count * kPackUnitBytes<Format>;
  Vec sum[kTokens][kPacks][4];
  for (auto& token : sum) {
    for (auto& pack : token) {
      for (Vec& group : pack) group = Zero();
    }
  }
  int64_t ahead = kAhead;
  for (int64_t i = 0; i < count; ++i, ahead += kPackUnitBytes<Format>) {
    for (int p = 0; p < kPacks; ++p) {
      PrefetchLines<kPackUnitBytes<Format>>(ahead < bytes ? packs[p] + ahead : next[p] + (ahead - bytes));
    }
    AddPackedUnit<Format, kTokens, kPacks>(packs, i * kPackUnitBytes<Format>, units, i, sum);
  }
  for (int64_t t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPacks; ++p) {
      const Vec* const groups = sum[t][p];
      Store(out[p] + kPackedRows * t, Add(Add(groups[0], groups[2]), Add(groups[1], groups[3])));
    }
  }
}

// The packs stay in the cache for further tokens.
template <class Format, int kPacks>
void PackedDotEach(const uint8_t* const* packs, const uint8_t* const* next, const SplitUnit* const* units,
                   int32_t tokens, int64_t columns, float* const* out) {
  ForFewTokens(tokens, [&](auto few, int32_t t) {
    float* own[kPacks];
    for (int p = 0; p < kPacks; ++p) own[p] = out[p] + int64_t{kPackedRows} * t;
    TakePackedDots<Format, decltype(few)::kTokens, kPacks>(packs, t == 0 ? next : packs, units + t, columns, own);
  });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
