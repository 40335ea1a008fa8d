// Sixteen-lane vectors: AVX-512 F, BW, VL and DQ; VNNI, where the file is compiled for it, adds products of bytes.
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
// The sums of 16 vectors, each added up in the same order.
inline Vec SumEach(const Vec (&v)[16]) {
  Vec four[4];
  for (int i = 0; i < 4; ++i) {
    const Vec* a = v + int64_t{4} * i;
    const __m512d low = _mm512_castps_pd(Add(_mm512_unpacklo_ps(a[0], a[1]), _mm512_unpackhi_ps(a[0], a[1])));
    const __m512d high = _mm512_castps_pd(Add(_mm512_unpacklo_ps(a[2], a[3]), _mm512_unpackhi_ps(a[2], a[3])));
    four[i] = Add(_mm512_castpd_ps(_mm512_unpacklo_pd(low, high)), _mm512_castpd_ps(_mm512_unpackhi_pd(low, high)));
  }
  const Vec first = Add(_mm512_shuffle_f32x4(four[0], four[1], 0x88), _mm512_shuffle_f32x4(four[0], four[1], 0xdd));
  const Vec second = Add(_mm512_shuffle_f32x4(four[2], four[3], 0x88), _mm512_shuffle_f32x4(four[2], four[3], 0xdd));
  return Add(_mm512_shuffle_f32x4(first, second, 0x88), _mm512_shuffle_f32x4(first, second, 0xdd));
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
inline Vec LoadU8(const uint8_t* address) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(Load16Bytes(address))); }

// scale * code + offset, rounded once, for every code of 4 or 5 bits: one permutation turns codes into values.
inline Vec MapFrom(float first, Vec scale, Vec offset) {
  const Vec codes = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return Fma(Add(codes, Set(first)), scale, offset);
}
struct NibbleMap {
  NibbleMap(Vec scale, Vec offset) : values(MapFrom(0, scale, offset)) {}
  Vec values;
};
struct FiveMap {
  FiveMap(Vec scale, Vec offset) : lower(MapFrom(0, scale, offset)), upper(MapFrom(16, scale, offset)) {}
  Vec lower, upper;
};
// 16 values from the low nibbles of 16 bytes, then 16 from the high ones.
inline void MapNibbles(const uint8_t* packed, const NibbleMap& low, const NibbleMap& high, Vec (&out)[2]) {
  const __m512i pairs = _mm512_cvtepu8_epi32(Load16Bytes(packed));
  out[0] = _mm512_permutexvar_ps(pairs, low.values);
  out[1] = _mm512_permutexvar_ps(_mm512_srli_epi32(pairs, 4), high.values);
}
// The same with a fifth bit for each of the 32 codes.
inline void MapFives(const uint8_t* packed, uint32_t fifth, const FiveMap& low, const FiveMap& high, Vec (&out)[2]) {
  const __m512i sixteen = _mm512_set1_epi32(16);
  const __m512i pairs = _mm512_cvtepu8_epi32(Load16Bytes(packed));
  const __m512i first = _mm512_and_epi32(pairs, _mm512_set1_epi32(15));
  const __m512i second = _mm512_srli_epi32(pairs, 4);
  const auto first_bits = static_cast<__mmask16>(fifth & 0xffff);
  const auto second_bits = static_cast<__mmask16>(fifth >> 16);
  out[0] = _mm512_permutex2var_ps(low.lower, _mm512_mask_or_epi32(first, first_bits, first, sixteen), low.upper);
  out[1] = _mm512_permutex2var_ps(high.lower, _mm512_mask_or_epi32(second, second_bits, second, sixteen), high.upper);
}
// 32 codes of 6 bits, less 32: nibbles as above; the two high bits of a low one lie at `shift` of the byte in `tops`,
// those of a high one at shift + 4.
inline void LoadSixes(const uint8_t* packed, const uint8_t* tops, int shift, Vec (&out)[2]) {
  const __m512i pairs = _mm512_cvtepu8_epi32(Load16Bytes(packed));
  const __m512i top = _mm512_srli_epi32(_mm512_cvtepu8_epi32(Load16Bytes(tops)), static_cast<unsigned>(shift));
  const __m512i mask = _mm512_set1_epi32(0x30);
  const __m512i first = _mm512_or_epi32(_mm512_and_epi32(pairs, _mm512_set1_epi32(15)),
                                        _mm512_and_epi32(_mm512_slli_epi32(top, 4), mask));
  const __m512i second = _mm512_or_epi32(_mm512_srli_epi32(pairs, 4), _mm512_and_epi32(top, mask));
  out[0] = _mm512_cvtepi32_ps(_mm512_sub_epi32(first, _mm512_set1_epi32(32)));
  out[1] = _mm512_cvtepi32_ps(_mm512_sub_epi32(second, _mm512_set1_epi32(32)));
}
// Bit `bit` of each of 16 bytes.
inline uint32_t BitOfBytes(const uint8_t* bytes, int bit) {
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_slli_epi16(Load16Bytes(bytes), 7 - bit)));
}
inline void StoreF16(uint8_t* address, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(address), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
// Past the cache, for what will be read when the cache has long been filled with other things.
inline void StorePast(uint8_t* address, __m512i bytes) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(address), bytes);
}
// Of two vectors' bytes the first halves to one place, the others to another.
inline void StoreHalvesPast(const uint8_t* a, const uint8_t* b, uint8_t* first, uint8_t* second) {
  const __m512i even = _mm512_loadu_si512(a);
  const __m512i odd = _mm512_loadu_si512(b);
  StorePast(first, _mm512_shuffle_i64x2(even, odd, 0x44));
  StorePast(second, _mm512_shuffle_i64x2(even, odd, 0xee));
}
inline void Prefetch(const void* address) { _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T1); }

}  // namespace
}  // namespace avx512
}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_VECTOR_AVX512_H_
