// Vectors as integers, for products with quantised weights by AVX-512 VNNI. A group of 32 elements has a step, a power
// of two, and its elements become integers of 22 bits in three signed digits of base 256.
//
// Error: let m be the largest magnitude of a group, 2^(e-1) <= m < 2^e, and the step s = 2^(e-21). Scaling by s is
// exact and an element is rounded to the nearest multiple of s, or to 2^21 - 1 steps if that is 2^21. So it is off by
// at most s/2, or s in the last case, and s <= 2^-20 m: a group's product is off by at most 2^-21 m times the sum of
// the magnitudes of its weights, beside the largest elements' 2^-21 of themselves. For random elements that is far
// below what adding up in F32 costs. Two digits would leave 2^-13 m, and one, as often used, 2^-7 m. Sums within a
// group are exact: eight weights of 8 bits times 2^21 - 1 fit 32 bits.
#pragma once

#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int32_t kSplitBits = 21;
constexpr int32_t kMostSteps = (1 << kSplitBits) - 1;
// Exponents, biased by 127, between which steps, and their products with scales of F16, are normal numbers.
constexpr uint32_t kLeastExponent = 127 - 60;
constexpr uint32_t kMostExponent = 127 + 100;

inline __m512 PowerOfTwoWith(uint32_t biased_exponent) {
  return _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int32_t>(biased_exponent << 23)));
}

// Elements as integers, given their exponent; the lowest byte of each is its lowest digit.
inline __m512i ToSteps(__m512 x, __m512 steps_per_one) {
  const __m512i steps = _mm512_cvtps_epi32(_mm512_mul_ps(x, steps_per_one));
  const __m512i most = _mm512_set1_epi32(kMostSteps);
  return _mm512_max_epi32(_mm512_min_epi32(steps, most), _mm512_sub_epi32(_mm512_setzero_si512(), most));
}

// Takes the lowest digit away and brings the next one to its place.
inline __m512i NextDigits(__m512i integers) {
  return _mm512_srai_epi32(_mm512_add_epi32(integers, _mm512_set1_epi32(128)), 8);
}

inline void StoreDigits(__m512i integers, int64_t at, int64_t half, SplitUnit* unit) {
  for (int digit = 2; digit >= 0; --digit) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(unit->digits[digit][half] + at), _mm512_cvtepi32_epi8(integers));
    integers = NextDigits(integers);
  }
}

// The step of a group of 32, 0 for one of zeros; false if it is out of range.
inline bool SplitGroup(const float* x, int64_t group, SplitUnit* unit) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  const __m512 first = Load(x);
  const __m512 second = Load(x + 16);
  const __m512i largest = _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(first), magnitude),
                                           _mm512_and_si512(_mm512_castps_si512(second), magnitude));
  const uint32_t bits = _mm512_reduce_max_epu32(largest);
  if (bits == 0) return true;
  const uint32_t exponent = bits >> 23;
  if (exponent < kLeastExponent || exponent > kMostExponent) return false;
  const __m512 steps_per_one = PowerOfTwoWith(254 + kSplitBits - 1 - exponent);
  StoreDigits(ToSteps(first, steps_per_one), 16 * group, 0, unit);
  StoreDigits(ToSteps(second, steps_per_one), 16 * group, 1, unit);
  _mm_storeu_ps(unit->step + 4 * group, _mm512_castps512_ps128(PowerOfTwoWith(exponent - (kSplitBits - 1))));
  return true;
}

// The products of 64 weights, bytes without a sign, with one half of a unit's elements.
inline __m512i MultiplyHalf(__m512i weights, const SplitUnit& unit, int half) {
  __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 3
  for (int digit = 0; digit < 3; ++digit) {
    if (digit > 0) sum = _mm512_slli_epi32(sum, 8);
    sum = _mm512_dpbusd_epi32(sum, weights, _mm512_load_si512(unit.digits[digit][half]));
  }
  return sum;
}

// The products of 128 weights, bytes without a sign, with a unit: a sum for each four lanes of a group.
inline __m512i MultiplyBoth(__m512i first, __m512i second, const SplitUnit& unit) {
  __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 3
  for (int digit = 0; digit < 3; ++digit) {
    if (digit > 0) sum = _mm512_slli_epi32(sum, 8);
    sum = _mm512_dpbusd_epi32(sum, first, _mm512_load_si512(unit.digits[digit][0]));
    sum = _mm512_dpbusd_epi32(sum, second, _mm512_load_si512(unit.digits[digit][1]));
  }
  return sum;
}

// kMiddle * integers, by a shift.
template <int32_t kMiddle>
inline __m512i TimesMiddle(__m512i integers) {
  static_assert(kMiddle > 0 && (kMiddle & (kMiddle - 1)) == 0);
  return _mm512_slli_epi32(integers, static_cast<unsigned>(__builtin_ctz(kMiddle)));
}

// For codes that stand for themselves less kMiddle.
template <int32_t kMiddle>
bool SplitFor(const float* x, int32_t columns, SplitUnit* units) {
  const __m512i one = _mm512_set1_epi8(1);
  for (int64_t i = 0; i < columns; i += kSplitUnit) {
    SplitUnit* unit = units + i / kSplitUnit;
    memset(unit, 0, sizeof(SplitUnit));
    for (int64_t group = 0; group < 4 && i + 32 * group < columns; ++group) {
      if (!SplitGroup(x + i + 32 * group, group, unit)) return false;
    }
    const __m512i sum = MultiplyBoth(one, one, *unit);
    Store(unit->sum, Mul(_mm512_cvtepi32_ps(sum), _mm512_load_ps(unit->step)));
    if constexpr (kMiddle > 0) {
      _mm512_store_si512(unit->middle, TimesMiddle<kMiddle>(sum));
      _mm512_store_si512(unit->first_middle, TimesMiddle<kMiddle>(MultiplyHalf(one, *unit, 0)));
    }
  }
  return true;
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
