// Vectors as integers (digits.inl) for AVX2, which multiplies bytes by pairs to 16 bits, and these by pairs to 32.
#pragma once

#include "simd/digits.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

inline __m256i Load256(const void* address) { return _mm256_loadu_si256(static_cast<const __m256i*>(address)); }

// 32 integers between -128 and 127 as bytes.
inline __m256i PackBytes(const __m256i (&v)[4]) {
  const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
  return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

inline int32_t SumLanes(__m128i v) {
  v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32(v, 0xb1)));
}

// The digits of 32 integers; their sum, eight lanes for either 16.
struct GroupDigits {
  bool Split(const float* x) {
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    __m256 v[4];
    __m256i most = _mm256_setzero_si256();
    for (int64_t i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + 8 * i);
      most = _mm256_max_epi32(most, _mm256_castps_si256(_mm256_and_ps(v[i], magnitude)));
    }
    __m128i half = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    const Steps steps(static_cast<uint32_t>(_mm_cvtsi128_si32(half)));
    if (!steps.are_known) return false;
    step = steps.step;
    __m256i integers[4];
    for (int i = 0; i < 4; ++i) {
      integers[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(steps.per_one)));
    }
    StoreDigits(integers);
    for (int64_t h = 0; h < 2; ++h) {
      const __m256i both = _mm256_add_epi32(integers[2 * h], integers[2 * h + 1]);
      sums[h] = SumLanes(_mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
    }
    return true;
  }

  void StoreDigits(const __m256i (&integers)[4]) {
    if constexpr (kDigits == 1) {
      digits[0] = PackBytes(integers);
      return;
    }
    __m256i high[4];
    __m256i low[4];
    for (int i = 0; i < 4; ++i) {
      high[i] = _mm256_srai_epi32(_mm256_add_epi32(integers[i], _mm256_set1_epi32(128)), 8);
      low[i] = _mm256_sub_epi32(integers[i], _mm256_slli_epi32(high[i], 8));
    }
    digits[0] = PackBytes(high);
    digits[kDigits - 1] = PackBytes(low);
  }

  __m256i digits[kDigits];
  int32_t sums[2];
  float step;
};

// For codes that stand for themselves less kMiddle.
template <int32_t kMiddle>
bool SplitFor(const float* x, int32_t columns, SplitUnit* units) {
  for (int64_t i = 0; i < columns; i += 32) {
    SplitUnit* unit = units + i / kSplitUnit;
    if (i % kSplitUnit == 0) memset(unit, 0, sizeof(SplitUnit));
    GroupDigits group;
    if (!group.Split(x + i)) return false;
    const int64_t g = i % kSplitUnit / 32;
    for (int d = 0; d < kDigits; ++d) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(unit->digits[d][0] + 32 * g), group.digits[d]);
    }
    unit->step[4 * g] = group.step;
    unit->sum[4 * g] = static_cast<float>(group.sums[0] + group.sums[1]) * group.step;
    int32_t* middle = unit->middle[0] + 8 * g;
    middle[0] = kMiddle * group.sums[0];
    middle[4] = kMiddle * group.sums[1];
  }
  return true;
}

// Group g of a vector, wherever it is.
struct SplitGroupOf {
  SplitGroupOf(const SplitUnit* units, int64_t group) : unit(units[group / 4]), g(group % 4) {}

  // The products of 32 codes without a sign: four lanes of sums for either 16.
  __m256i Times(__m256i codes) const {
    const __m256i high = _mm256_maddubs_epi16(codes, Load256(unit.digits[0][0] + 32 * g));
    if constexpr (kDigits == 1) return _mm256_madd_epi16(high, _mm256_set1_epi16(1));
    const __m256i low = _mm256_maddubs_epi16(codes, Load256(unit.digits[1][0] + 32 * g));
    return _mm256_add_epi32(_mm256_madd_epi16(high, _mm256_set1_epi16(256)),
                            _mm256_madd_epi16(low, _mm256_set1_epi16(1)));
  }
  __m256i middle() const { return Load256(unit.middle[0] + 8 * g); }
  Vec step() const { return _mm256_broadcast_ss(unit.step + 4 * g); }
  Vec sum() const { return _mm256_zextps128_ps256(_mm_load_ps(unit.sum + 4 * g)); }

  const SplitUnit& unit;
  const int64_t g;
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
