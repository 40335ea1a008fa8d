// Vectors as integers (digits.inl) for AVX2, which multiplies bytes by pairs to 16 bits, and these by pairs to 32.
// Codes of eight bits don't fit that: their elements stay integers of 16 bits, unless AVX-VNNI multiplies bytes by
// fours to 32 bits.
#pragma once

#include "simd/digits.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// ---- bytes ----

using Bytes = __m256i;

inline __m256i Load256(const void* address) { return _mm256_loadu_si256(static_cast<const __m256i*>(address)); }
inline Bytes LoadBytes(const void* address) { return _mm256_load_si256(static_cast<const __m256i*>(address)); }
inline void StoreBytes(void* address, Bytes v) { _mm256_store_si256(static_cast<__m256i*>(address), v); }
inline Bytes NoBytes() { return _mm256_setzero_si256(); }
inline Bytes EachByte(int value) { return _mm256_set1_epi8(static_cast<char>(value)); }
// Where the mask has ones those of `a`, else those of `b`.
inline Bytes Select(Bytes mask, Bytes a, Bytes b) {
  return _mm256_or_si256(_mm256_and_si256(mask, a), _mm256_andnot_si256(mask, b));
}
// a, and those of b that the mask has.
inline Bytes OrMasked(Bytes a, Bytes b, Bytes mask) { return _mm256_or_si256(a, _mm256_and_si256(b, mask)); }
// Bits to the left, or to the right; those that leave their byte are of no use.
inline Bytes MoveBits(Bytes v, int left) {
  return left < 0 ? _mm256_srli_epi64(v, -left) : left == 0 ? v : _mm256_slli_epi64(v, left);
}

// ---- integers of 32 bits ----

inline Bytes EachInteger(int32_t value) { return _mm256_set1_epi32(value); }
inline Bytes AddIntegers(Bytes a, Bytes b) { return _mm256_add_epi32(a, b); }
inline Bytes TimesBase(Bytes v) { return _mm256_slli_epi32(v, 8); }
inline Vec ToFloats(Bytes v) { return _mm256_cvtepi32_ps(v); }
#if defined(__AVXVNNI__)
// Adds the products of four bytes each, those of `codes` without a sign.
inline Bytes AddProducts(Bytes sum, Bytes codes, Bytes digits) { return _mm256_dpbusd_avx_epi32(sum, codes, digits); }
#endif

// ---- vectors ----

// 32 integers of at most 16 bits, in their order.
inline void Pack16(const __m256i (&v)[4], __m256i (&out)[2]) {
  for (int64_t i = 0; i < 2; ++i) out[i] = _mm256_permute4x64_epi64(_mm256_packs_epi32(v[2 * i], v[2 * i + 1]), 0xd8);
}

// 32 integers between -128 and 127 as bytes, in their order.
inline __m256i Pack8(const __m256i (&v)[4]) {
  const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
  return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

inline int32_t SumLanes(__m256i eight) {
  __m128i v = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32(v, 0xb1)));
}

// 32 elements as integers, with their step: 0 for zeros.
struct GroupIntegers {
  explicit GroupIntegers(const float* x) : steps(LargestMagnitude(x)) {
    const Vec per_one = Set(steps.per_one);
    for (int64_t i = 0; i < 4; ++i) integers[i] = _mm256_cvtps_epi32(Mul(Load(x + 8 * i), per_one));
  }

  // Its bits.
  static uint32_t LargestMagnitude(const float* x) {
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i most = _mm256_setzero_si256();
    for (int64_t i = 0; i < 4; ++i) most = _mm256_max_epi32(most, _mm256_and_si256(Load256(x + 8 * i), magnitude));
    __m128i half = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    return static_cast<uint32_t>(_mm_cvtsi128_si32(half));
  }

  void Digits(__m256i (&digits)[kDigits]) const {
    if constexpr (kDigits == 1) {
      digits[0] = Pack8(integers);
      return;
    }
    __m256i high[4];
    __m256i low[4];
    for (int i = 0; i < 4; ++i) {
      high[i] = _mm256_srai_epi32(_mm256_add_epi32(integers[i], _mm256_set1_epi32(128)), 8);
      low[i] = _mm256_sub_epi32(integers[i], _mm256_slli_epi32(high[i], 8));
    }
    digits[0] = Pack8(high);
    digits[kDigits - 1] = Pack8(low);
  }

  int32_t SumOfHalf(int64_t half) const {
    return SumLanes(_mm256_add_epi32(integers[2 * half], integers[2 * half + 1]));
  }

  Steps steps;
  __m256i integers[4];
};

// Of a unit whose elements are integers of 16 bits: half `half` of a group.
inline int16_t* Words(SplitUnit* unit, int half, int64_t group) {
  return reinterpret_cast<int16_t*>(unit->digits) + int64_t{64} * half + 16 * group;
}
inline const int16_t* Words(const SplitUnit& unit, int half, int64_t group) {
  return reinterpret_cast<const int16_t*>(unit.digits) + int64_t{64} * half + 16 * group;
}

// The middle of codes of eight bits.
constexpr int32_t kByteMiddle = 128;

// Whether the elements for codes with this middle stay integers of 16 bits.
#if defined(__AVXVNNI__)
template <int32_t kMiddle>
constexpr bool kAreWords = false;
#else
template <int32_t kMiddle>
constexpr bool kAreWords = kMiddle == kByteMiddle;
#endif

// For codes that stand for themselves less kMiddle.
template <int32_t kMiddle>
bool SplitFor(const float* x, int32_t columns, SplitUnit* units) {
  for (int64_t i = 0; i < columns; i += 32) {
    SplitUnit* unit = units + i / kSplitUnit;
    if (i % kSplitUnit == 0) memset(unit, 0, sizeof(SplitUnit));
    const GroupIntegers group(x + i);
    if (!group.steps.are_known) return false;
    const int64_t g = i % kSplitUnit / 32;
    if constexpr (kAreWords<kMiddle>) {
      __m256i halves[2];
      Pack16(group.integers, halves);
      for (int h = 0; h < 2; ++h) StoreBytes(Words(unit, h, g), halves[h]);
    } else {
      __m256i digits[kDigits];
      group.Digits(digits);
      for (int d = 0; d < kDigits; ++d) {
        _mm_store_si128(reinterpret_cast<__m128i*>(unit->digits[d][0] + 16 * g), _mm256_castsi256_si128(digits[d]));
        _mm_store_si128(reinterpret_cast<__m128i*>(unit->digits[d][1] + 16 * g),
                        _mm256_extracti128_si256(digits[d], 1));
      }
    }
    const int32_t first = group.SumOfHalf(0);
    const int32_t sum = first + group.SumOfHalf(1);
    const float step = group.steps.step;
    _mm_store_ps(unit->step + 4 * g, _mm_set1_ps(step));
    _mm_store_ps(unit->sum + 4 * g, _mm_set1_ps(static_cast<float>(sum) * step));
    _mm_store_si128(reinterpret_cast<__m128i*>(unit->middle[0] + 4 * g), _mm_set1_epi32(kMiddle * sum));
    _mm_store_si128(reinterpret_cast<__m128i*>(unit->middle[1] + 4 * g), _mm_set1_epi32(kMiddle * first));
  }
  return true;
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
