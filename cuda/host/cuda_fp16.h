// IEEE half precision as far as kernels here use it: storage, conversions, a little arithmetic through float.
#ifndef COREINFER_CUDA_HOST_CUDA_FP16_H_
#define COREINFER_CUDA_HOST_CUDA_FP16_H_

#include "cuda_runtime.h"

struct __half {
  unsigned short bits;
};
struct alignas(4) __half2 {
  __half x, y;
};
using half = __half;
using half2 = __half2;

inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
inline unsigned short __half_as_ushort(__half x) { return x.bits; }

inline float __half2float(__half x) {
  const unsigned magnitude = x.bits & 0x7fffu;
  const unsigned sign = (x.bits & 0x8000u) << 16;
  if (magnitude >= 0x7c00u) return __uint_as_float(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  // Multiplying moves the exponent by the difference of the biases, and makes subnormals normal.
  const float value = __uint_as_float(magnitude << 13) * 0x1p112f;
  return __uint_as_float(sign | __float_as_uint(value));
}

// To nearest, ties to even.
inline __half __float2half(float x) {
  const unsigned bits = __float_as_uint(x);
  const auto sign = static_cast<unsigned short>(bits >> 16 & 0x8000u);
  const unsigned magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return {0x7fff};
  if (magnitude >= 0x477ff000u) return {static_cast<unsigned short>(sign | 0x7c00u)};  // 65520 and above
  if (magnitude < 0x38800000u) {
    // Below 2^-14: adding 0.5 leaves the multiple of 2^-24 in the low bits, rounded by the addition itself.
    const unsigned rounded = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000u;
    return {static_cast<unsigned short>(sign | rounded)};
  }
  const unsigned rounded = magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1);
  return {static_cast<unsigned short>(sign | rounded >> 13)};
}

inline __half __float2half_rn(float x) { return __float2half(x); }
inline __half __int2half_rn(int x) { return __float2half(static_cast<float>(x)); }
inline __half2 __halves2half2(__half x, __half y) { return {x, y}; }
inline __half __low2half(__half2 x) { return x.x; }
inline __half __high2half(__half2 x) { return x.y; }
inline float __low2float(__half2 x) { return __half2float(x.x); }
inline float __high2float(__half2 x) { return __half2float(x.y); }
inline float2 __half22float2(__half2 x) { return {__half2float(x.x), __half2float(x.y)}; }
inline __half2 __float22half2_rn(float2 x) { return {__float2half(x.x), __float2half(x.y)}; }
inline __half2 __floats2half2_rn(float x, float y) { return {__float2half(x), __float2half(y)}; }
inline __half2 __float2half2_rn(float x) { return {__float2half(x), __float2half(x)}; }
inline __half2 __half2half2(__half x) { return {x, x}; }

// A float has more than twice the digits of a half, so that rounding twice equals rounding once.
inline __half __hadd(__half x, __half y) { return __float2half(__half2float(x) + __half2float(y)); }
inline __half __hsub(__half x, __half y) { return __float2half(__half2float(x) - __half2float(y)); }
inline __half __hmul(__half x, __half y) { return __float2half(__half2float(x) * __half2float(y)); }
inline __half2 __hadd2(__half2 x, __half2 y) { return {__hadd(x.x, y.x), __hadd(x.y, y.y)}; }
inline __half2 __hsub2(__half2 x, __half2 y) { return {__hsub(x.x, y.x), __hsub(x.y, y.y)}; }
inline __half2 __hmul2(__half2 x, __half2 y) { return {__hmul(x.x, y.x), __hmul(x.y, y.y)}; }

#endif  // COREINFER_CUDA_HOST_CUDA_FP16_H_
