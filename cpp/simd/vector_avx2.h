// Eight-lane vectors: AVX2, FMA and F16C.
#ifndef COREINFER_CPP_SIMD_VECTOR_AVX2_H_
#define COREINFER_CPP_SIMD_VECTOR_AVX2_H_

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

namespace coreinfer {
namespace avx2 {
namespace {

constexpr int64_t kLanes = 8;
constexpr int64_t kPanelTokens = 6;
constexpr const char* kName = "avx2";

using Vec = __m256;

inline Vec Set(float value) { return _mm256_set1_ps(value); }
inline Vec Zero() { return _mm256_setzero_ps(); }
inline Vec Load(const void* address) { return _mm256_loadu_ps(static_cast<const float*>(address)); }
inline void Store(float* address, Vec v) { _mm256_storeu_ps(address, v); }
inline Vec Add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec Sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec Mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec Div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec Fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
// Both return b when one of them is NaN.
inline Vec Max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec Min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline float Sum(Vec v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float Largest(Vec v) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
inline Vec PowerOfTwo(Vec shifted) {
  const __m256i exponent = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

inline __m128i Load16Bytes(const void* address) { return _mm_loadu_si128(static_cast<const __m128i*>(address)); }
inline float LoadHalf(const uint8_t* address) {
  uint16_t half;
  memcpy(&half, address, sizeof(half));
  return _cvtsh_ss(half);
}
// One half in every lane.
inline Vec BroadcastHalf(const uint8_t* address) {
  int16_t half;
  memcpy(&half, address, sizeof(half));
  return _mm256_cvtph_ps(_mm_set1_epi16(half));
}
inline Vec LoadF16(const uint8_t* address) { return _mm256_cvtph_ps(Load16Bytes(address)); }
inline Vec LoadBf16(const uint8_t* address) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(Load16Bytes(address)), 16));
}
inline Vec LoadI8(const uint8_t* address) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(address))));
}
inline void LoadQ4(const uint8_t* packed, Vec (&out)[4]) {
  const __m128i pairs = Load16Bytes(packed);
  const __m128i mask = _mm_set1_epi8(15);
  const __m128i eight = _mm_set1_epi8(8);
  const __m128i low = _mm_sub_epi8(_mm_and_si128(pairs, mask), eight);
  const __m128i high = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(pairs, 4), mask), eight);
  out[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low));
  out[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(low, low)));
  out[2] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high));
  out[3] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(high, high)));
}
inline void StoreF16(uint8_t* address, Vec v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(address), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
inline void Prefetch(const void* address) { _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T0); }

}  // namespace
}  // namespace avx2
}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_VECTOR_AVX2_H_
