// Four-lane vectors in the compiler's own notation, for any processor.
#ifndef COREINFER_CPP_SIMD_VECTOR_PORTABLE_H_
#define COREINFER_CPP_SIMD_VECTOR_PORTABLE_H_

#include <stdint.h>
#include <string.h>

namespace coreinfer {
namespace portable {
namespace {

constexpr int64_t kLanes = 4;
constexpr int64_t kPanelTokens = 4;

typedef float Vec __attribute__((vector_size(16)));
typedef uint32_t Bits __attribute__((vector_size(16)));

inline Vec Set(float value) { return Vec{value, value, value, value}; }
inline Vec Zero() { return Set(0.0f); }
inline Vec Load(const void* address) {
  Vec v;
  memcpy(&v, address, sizeof(v));
  return v;
}
inline void Store(float* address, Vec v) { memcpy(address, &v, sizeof(v)); }
inline Vec Add(Vec a, Vec b) { return a + b; }
inline Vec Sub(Vec a, Vec b) { return a - b; }
inline Vec Mul(Vec a, Vec b) { return a * b; }
inline Vec Div(Vec a, Vec b) { return a / b; }
inline Vec Fma(Vec a, Vec b, Vec c) { return a * b + c; }
// Both return b when one of them is NaN.
inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec Min(Vec a, Vec b) { return a < b ? a : b; }
inline float Sum(Vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }
inline Vec SumEach(const Vec (&v)[4]) { return Vec{Sum(v[0]), Sum(v[1]), Sum(v[2]), Sum(v[3])}; }
inline float Largest(Vec v) {
  const float a = v[0] > v[2] ? v[0] : v[2];
  const float b = v[1] > v[3] ? v[1] : v[3];
  return a > b ? a : b;
}
inline Vec FromBits(Bits bits) { return reinterpret_cast<Vec>(bits); }
inline Vec PowerOfTwo(Vec shifted) { return FromBits((reinterpret_cast<Bits>(shifted) + 127u) << 23); }

inline float HalfToFloat(uint32_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 31u;
  const uint32_t mantissa = half & 0x3ffu;
  uint32_t bits;
  if (exponent == 0) {
    const float subnormal = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -subnormal : subnormal;
  } else if (exponent == 31) {
    bits = sign | 0x7f800000u | (mantissa << 13) | (mantissa != 0 ? 0x400000u : 0u);
  } else {
    bits = sign | ((exponent + 112u) << 23) | (mantissa << 13);
  }
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

// Rounds to nearest, ties to even.
inline uint16_t FloatToHalf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520 and above
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14, the smallest normal
    half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  } else {
    // Adding 0.5 leaves the subnormal's bits, correctly rounded, at the end of the mantissa.
    float absolute;
    memcpy(&absolute, &magnitude, sizeof(absolute));
    absolute += 0.5f;
    memcpy(&half, &absolute, sizeof(half));
    half -= 0x3f000000u;
  }
  return static_cast<uint16_t>(sign | half);
}

inline float LoadHalf(const uint8_t* address) {
  uint16_t half;
  memcpy(&half, address, sizeof(half));
  return HalfToFloat(half);
}
inline Vec BroadcastHalf(const uint8_t* address) { return Set(LoadHalf(address)); }

typedef uint8_t FourBytes __attribute__((vector_size(4)));
typedef int8_t FourSignedBytes __attribute__((vector_size(4)));
typedef uint16_t FourHalves __attribute__((vector_size(8)));
typedef int32_t FourIntegers __attribute__((vector_size(16)));

template <class Four>
inline Four LoadFour(const uint8_t* address) {
  Four four;
  memcpy(&four, address, sizeof(four));
  return four;
}
// The bits as a float are 2^-112 times the value, exactly, unless it is infinite or NaN.
inline Vec LoadF16(const uint8_t* address) {
  const Bits half = __builtin_convertvector(LoadFour<FourHalves>(address), Bits);
  const Bits magnitude = (half & 0x7fffu) << 13;
  const Bits finite = reinterpret_cast<Bits>(FromBits(magnitude) * 0x1p112f);
  return FromBits((magnitude < 0x0f800000u ? finite : magnitude | 0x7f800000u) | (half & 0x8000u) << 16);
}
inline Vec LoadBf16(const uint8_t* address) {
  return FromBits(__builtin_convertvector(LoadFour<FourHalves>(address), Bits) << 16);
}
inline Vec LoadI8(const uint8_t* address) {
  return __builtin_convertvector(__builtin_convertvector(LoadFour<FourSignedBytes>(address), FourIntegers), Vec);
}
inline void LoadQ4(const uint8_t* packed, Vec (&out)[8]) {
  for (int v = 0; v < 4; ++v) {
    const FourIntegers pairs = __builtin_convertvector(LoadFour<FourBytes>(packed + int64_t{4} * v), FourIntegers);
    out[v] = __builtin_convertvector((pairs & 15) - 8, Vec);
    out[v + 4] = __builtin_convertvector((pairs >> 4) - 8, Vec);
  }
}
inline Vec LoadU8(const uint8_t* address) { return __builtin_convertvector(LoadFour<FourBytes>(address), Vec); }

// Codes become scale * code + offset, of which only the sum rounds.
struct CodeMap {
  CodeMap(Vec scale_, Vec offset_) : scale(scale_), offset(offset_) {}
  Vec Of(FourIntegers codes) const { return Fma(__builtin_convertvector(codes, Vec), scale, offset); }
  Vec scale, offset;
};
using NibbleMap = CodeMap;
using FiveMap = CodeMap;
inline FourIntegers LoadIntegers(const uint8_t* address) {
  return __builtin_convertvector(LoadFour<FourBytes>(address), FourIntegers);
}
// 16 values from the low nibbles of 16 bytes, then 16 from the high ones.
inline void MapNibbles(const uint8_t* packed, const NibbleMap& low, const NibbleMap& high, Vec (&out)[8]) {
  for (int v = 0; v < 4; ++v) {
    const FourIntegers pairs = LoadIntegers(packed + int64_t{4} * v);
    out[v] = low.Of(pairs & 15);
    out[v + 4] = high.Of(pairs >> 4);
  }
}
// 16 where the lowest four bits are set.
inline FourIntegers SixteenWhere(uint32_t bits) {
  const auto b = static_cast<int32_t>(bits);
  return FourIntegers{b << 4, b << 3, b << 2, b << 1} & 16;
}
// The same with a fifth bit for each of the 32 codes.
inline void MapFives(const uint8_t* packed, uint32_t fifth, const FiveMap& low, const FiveMap& high, Vec (&out)[8]) {
  for (int v = 0; v < 4; ++v) {
    const FourIntegers pairs = LoadIntegers(packed + int64_t{4} * v);
    out[v] = low.Of((pairs & 15) | SixteenWhere(fifth >> (4 * v) & 15));
    out[v + 4] = high.Of((pairs >> 4) | SixteenWhere(fifth >> (4 * v + 16) & 15));
  }
}
// 32 codes of 6 bits, less 32: nibbles as above; the two high bits of a low one lie at `shift` of the byte in `tops`,
// those of a high one at shift + 4.
inline void LoadSixes(const uint8_t* packed, const uint8_t* tops, int shift, Vec (&out)[8]) {
  for (int v = 0; v < 4; ++v) {
    const FourIntegers pairs = LoadIntegers(packed + int64_t{4} * v);
    const FourIntegers top = LoadIntegers(tops + int64_t{4} * v) >> shift;
    out[v] = __builtin_convertvector(((pairs & 15) | (top << 4 & 0x30)) - 32, Vec);
    out[v + 4] = __builtin_convertvector(((pairs >> 4) | (top & 0x30)) - 32, Vec);
  }
}
// Bit `bit` of each of 16 bytes.
inline uint32_t BitOfBytes(const uint8_t* bytes, int bit) {
  uint32_t bits = 0;
  for (int i = 0; i < 16; ++i) bits |= (static_cast<uint32_t>(bytes[i]) >> bit & 1u) << i;
  return bits;
}
inline void StoreF16(uint8_t* address, Vec v) {
  const uint16_t half[4] = {FloatToHalf(v[0]), FloatToHalf(v[1]), FloatToHalf(v[2]), FloatToHalf(v[3])};
  memcpy(address, half, sizeof(half));
}
inline void Prefetch(const void* address) { __builtin_prefetch(address); }

}  // namespace
}  // namespace portable
}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_VECTOR_PORTABLE_H_
