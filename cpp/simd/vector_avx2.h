// Eight-lane vectors: AVX2, FMA and F16C, with AVX-VNNI or without.
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
// The sums of 8 vectors, each added up in the same order.
inline Vec SumEach(const Vec (&v)[8]) {
  const Vec first = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
  const Vec second = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));
  return Add(_mm256_permute2f128_ps(first, second, 0x20), _mm256_permute2f128_ps(first, second, 0x31));
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
inline Vec LoadU8(const uint8_t* address) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(address))));
}

// Codes become scale * code + offset, rounded once.
struct CodeMap {
  CodeMap(Vec scale_, Vec offset_) : scale(scale_), offset(offset_) {}
  void Apply(__m128i codes, Vec* out) const {
    out[0] = Fma(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)), scale, offset);
    out[1] = Fma(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_unpackhi_epi64(codes, codes))), scale, offset);
  }
  Vec scale, offset;
};
using NibbleMap = CodeMap;
using FiveMap = CodeMap;
inline __m128i LowNibbles(__m128i pairs) { return _mm_and_si128(pairs, _mm_set1_epi8(15)); }
inline __m128i HighNibbles(__m128i pairs) { return LowNibbles(_mm_srli_epi16(pairs, 4)); }
// 16 values from the low nibbles of 16 bytes, then 16 from the high ones.
inline void MapNibbles(const uint8_t* packed, const NibbleMap& low, const NibbleMap& high, Vec (&out)[4]) {
  const __m128i pairs = Load16Bytes(packed);
  low.Apply(LowNibbles(pairs), out);
  high.Apply(HighNibbles(pairs), out + 2);
}
// 16 in each of 16 bytes whose bit is set.
inline __m128i SixteenWhere(uint32_t bits) {
  const __m128i spread = _mm_shuffle_epi8(_mm_set1_epi16(static_cast<int16_t>(bits)),
                                          _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  const __m128i place = _mm_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
  return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(spread, place), place), _mm_set1_epi8(16));
}
// The same with a fifth bit for each of the 32 codes.
inline void MapFives(const uint8_t* packed, uint32_t fifth, const FiveMap& low, const FiveMap& high, Vec (&out)[4]) {
  const __m128i pairs = Load16Bytes(packed);
  low.Apply(_mm_or_si128(LowNibbles(pairs), SixteenWhere(fifth & 0xffff)), out);
  high.Apply(_mm_or_si128(HighNibbles(pairs), SixteenWhere(fifth >> 16)), out + 2);
}
// 32 codes of 6 bits, less 32: nibbles as above; the two high bits of a low one lie at `shift` of the byte in `tops`,
// those of a high one at shift + 4.
inline void LoadSixes(const uint8_t* packed, const uint8_t* tops, int shift, Vec (&out)[4]) {
  const __m128i pairs = Load16Bytes(packed);
  const __m128i top = _mm_srli_epi16(Load16Bytes(tops), shift);
  const __m128i mask = _mm_set1_epi8(0x30);
  const __m128i low = _mm_or_si128(LowNibbles(pairs), _mm_and_si128(_mm_slli_epi16(top, 4), mask));
  const __m128i high = _mm_or_si128(HighNibbles(pairs), _mm_and_si128(top, mask));
  const CodeMap less(Set(1.0f), Set(-32.0f));
  less.Apply(low, out);
  less.Apply(high, out + 2);
}
// Bit `bit` of each of 16 bytes.
inline uint32_t BitOfBytes(const uint8_t* bytes, int bit) {
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_slli_epi16(Load16Bytes(bytes), 7 - bit)));
}
inline void StoreF16(uint8_t* address, Vec v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(address), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
// Past the cache, for what will be read when the cache has long been filled with other things.
inline void StorePast(uint8_t* address, __m256i bytes) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(address), bytes);
}
// Of two vectors' bytes the first halves to one place, the others to another.
inline void StoreHalvesPast(const uint8_t* a, const uint8_t* b, uint8_t* first, uint8_t* second) {
  const __m256i even = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a));
  const __m256i odd = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
  StorePast(first, _mm256_permute2x128_si256(even, odd, 0x20));
  StorePast(second, _mm256_permute2x128_si256(even, odd, 0x31));
}
inline void Prefetch(const void* address) { _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T1); }

}  // namespace
}  // namespace avx2
}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_VECTOR_AVX2_H_
