// Sixteen-lane vectors: AVX-512 F, BW, VL and DQ.
#ifndef COREINFER_CPP_SIMD_VECTOR_AVX512_H_
#define COREINFER_CPP_SIMD_VECTOR_AVX512_H_

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

namespace coreinfer {
namespace avx512 {
namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kPanelTokens = 12;
constexpr const char* kName = "avx512";

using Vec = __m512;

inline Vec Set(float value) { return _mm512_set1_ps(value); }
inline Vec Zero() { return _mm512_setzero_ps(); }
inline Vec Load(const void* address) { return _mm512_loadu_ps(address); }
inline void Store(float* address, Vec v) { _mm512_storeu_ps(address, v); }
inline Vec Add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec Sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec Mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec Div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec Fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
// Both return b when one of them is NaN.
inline Vec Max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec Min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline float Sum(Vec v) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float Largest(Vec v) {
  const __m256 half = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
inline Vec PowerOfTwo(Vec shifted) {
  const __m512i exponent = _mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}

inline __m128i Load16Bytes(const void* address) { return _mm_loadu_si128(static_cast<const __m128i*>(address)); }
inline __m256i Load32Bytes(const void* address) { return _mm256_loadu_si256(static_cast<const __m256i*>(address)); }
inline float LoadHalf(const uint8_t* address) {
  uint16_t half;
  memcpy(&half, address, sizeof(half));
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}
// One half in every lane.
inline Vec BroadcastHalf(const uint8_t* address) {
  int16_t half;
  memcpy(&half, address, sizeof(half));
  return _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_set1_epi16(half)));
}
inline Vec LoadF16(const uint8_t* address) { return _mm512_cvtph_ps(Load32Bytes(address)); }
inline Vec LoadBf16(const uint8_t* address) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(Load32Bytes(address)), 16));
}
inline Vec LoadI8(const uint8_t* address) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(Load16Bytes(address))); }
// The permutation looks only at the low four bits of each index, so the nibbles need no mask and no conversion.
inline void LoadQ4(const uint8_t* packed, Vec (&out)[2]) {
  const Vec values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
  const __m512i pairs = _mm512_cvtepu8_epi32(Load16Bytes(packed));
  out[0] = _mm512_permutexvar_ps(pairs, values);
  out[1] = _mm512_permutexvar_ps(_mm512_srli_epi32(pairs, 4), values);
}
inline void StoreF16(uint8_t* address, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(address), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
inline void Prefetch(const void* address) { _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T0); }

}  // namespace
}  // namespace avx512
}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_VECTOR_AVX512_H_
