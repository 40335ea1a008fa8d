// Vectors as integers (digits.inl) for AVX-512 VNNI.
#pragma once

#include "simd/digits.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// ---- bytes ----

using Bytes = __m512i;

inline Bytes LoadBytes(const void* address) { return _mm512_load_si512(address); }
inline void StoreBytes(void* address, Bytes v) { _mm512_store_si512(address, v); }
inline Bytes NoBytes() { return _mm512_setzero_si512(); }
inline Bytes EachByte(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
// Where the mask has ones those of `a`, else those of `b`.
inline Bytes Select(Bytes mask, Bytes a, Bytes b) { return _mm512_ternarylogic_epi64(mask, a, b, 0xca); }
// a, and those of b that the mask has.
inline Bytes OrMasked(Bytes a, Bytes b, Bytes mask) { return _mm512_ternarylogic_epi64(a, b, mask, 0xf8); }
// Bits to the left, or to the right; those that leave their byte are of no use.
inline Bytes MoveBits(Bytes v, int left) { return _mm512_rolv_epi64(v, _mm512_set1_epi64(left)); }

// ---- integers of 32 bits ----

inline Bytes EachInteger(int32_t value) { return _mm512_set1_epi32(value); }
inline Bytes AddIntegers(Bytes a, Bytes b) { return _mm512_add_epi32(a, b); }
inline Bytes TimesBase(Bytes v) { return _mm512_slli_epi32(v, 8); }
inline Vec ToFloats(Bytes v) { return _mm512_cvtepi32_ps(v); }
// Adds the products of four bytes each, those of `codes` without a sign.
inline Bytes AddProducts(Bytes sum, Bytes codes, Bytes digits) { return _mm512_dpbusd_epi32(sum, codes, digits); }

// ---- vectors ----

// Takes the lowest digit away and brings the next one to its place.
inline __m512i NextDigits(__m512i integers) {
  return _mm512_srai_epi32(_mm512_add_epi32(integers, _mm512_set1_epi32(128)), 8);
}

inline void StoreDigits(__m512i integers, int64_t at, int64_t half, SplitUnit* unit) {
  for (int digit = kDigits - 1; digit >= 0; --digit) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(unit->digits[digit][half] + at), _mm512_cvtepi32_epi8(integers));
    integers = NextDigits(integers);
  }
}

// 32 elements as integers, with their step: 0 for zeros.
struct GroupIntegers {
  GroupIntegers(__m512 first_half, __m512 second_half) : steps(LargestMagnitude(first_half, second_half)) {
    const __m512 per_one = Set(steps.per_one);
    first = _mm512_cvtps_epi32(Mul(first_half, per_one));
    second = _mm512_cvtps_epi32(Mul(second_half, per_one));
  }

  // Its bits.
  static uint32_t LargestMagnitude(__m512 a, __m512 b) {
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    return _mm512_reduce_max_epu32(_mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(a), magnitude),
                                                    _mm512_and_si512(_mm512_castps_si512(b), magnitude)));
  }

  Steps steps;
  __m512i first;
  __m512i second;
};

// The step of a group of 32, 0 for one of zeros; false if it is out of range.
inline bool SplitGroup(const float* x, int64_t group, SplitUnit* unit) {
  const GroupIntegers integers(Load(x), Load(x + 16));
  if (!integers.steps.are_known) return false;
  StoreDigits(integers.first, 16 * group, 0, unit);
  StoreDigits(integers.second, 16 * group, 1, unit);
  _mm_storeu_ps(unit->step + 4 * group, _mm_set1_ps(integers.steps.step));
  return true;
}

// Each lane becomes the sum of its group's four lanes.
inline __m512i SumOfGroups(__m512i lanes) {
  const __m512i pairs = _mm512_add_epi32(lanes, _mm512_shuffle_epi32(lanes, _MM_PERM_BADC));
  return _mm512_add_epi32(pairs, _mm512_shuffle_epi32(pairs, _MM_PERM_CDAB));
}

// The products of 64 weights, bytes without a sign, with one half of a unit's elements.
inline __m512i MultiplyHalf(__m512i weights, const SplitUnit& unit, int half) {
  __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 2
  for (int digit = 0; digit < kDigits; ++digit) {
    if (digit > 0) sum = _mm512_slli_epi32(sum, 8);
    sum = _mm512_dpbusd_epi32(sum, weights, _mm512_load_si512(unit.digits[digit][half]));
  }
  return sum;
}

// The products of 128 weights, bytes without a sign, with a unit: a sum for each four lanes of a group.
inline __m512i MultiplyBoth(__m512i first, __m512i second, const SplitUnit& unit) {
  __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 2
  for (int digit = 0; digit < kDigits; ++digit) {
    if (digit > 0) sum = _mm512_slli_epi32(sum, 8);
    sum = _mm512_dpbusd_epi32(sum, first, _mm512_load_si512(unit.digits[digit][0]));
    sum = _mm512_dpbusd_epi32(sum, second, _mm512_load_si512(unit.digits[digit][1]));
  }
  return sum;
}

// Tokens that have their sums in registers together: of a pack of rows, and of down rows.
constexpr int kTokensOfPack = 4;
constexpr int kTokensOfSlab = 4;

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
    const __m512i sum = SumOfGroups(MultiplyBoth(one, one, *unit));
    Store(unit->sum, Mul(_mm512_cvtepi32_ps(sum), _mm512_load_ps(unit->step)));
    if constexpr (kMiddle > 0) {
      _mm512_store_si512(unit->middle[0], TimesMiddle<kMiddle>(sum));
      _mm512_store_si512(unit->middle[1], TimesMiddle<kMiddle>(SumOfGroups(MultiplyHalf(one, *unit, 0))));
    }
  }
  return true;
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
