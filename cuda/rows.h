// Weights of every dtype as floats. A chunk is what one lane reads of a row for a dot product: 16 bytes of elements. An
// octet is 8 consecutive columns, of any dtype known at run time.
//
// Small integers become floats without a conversion: their bits are put into the mantissa of a power of two whose last
// place, there, counts 1, and the power is subtracted, which is exact.
#ifndef COREINFER_CUDA_ROWS_H_
#define COREINFER_CUDA_ROWS_H_

#include "matrix.h"
#include "stream.h"

namespace coreinfer {

/// The signed bytes of a word.
__device__ __forceinline__ float4 SignedBytes(unsigned word) {
  const unsigned shifted = word ^ 0x80808080u;  // 128 more, so never negative
  constexpr float kBase = 8388608.0f + 128.0f;
  return make_float4(__uint_as_float(__byte_perm(shifted, 0x4b000000u, 0x7440)) - kBase,
                     __uint_as_float(__byte_perm(shifted, 0x4b000000u, 0x7441)) - kBase,
                     __uint_as_float(__byte_perm(shifted, 0x4b000000u, 0x7442)) - kBase,
                     __uint_as_float(__byte_perm(shifted, 0x4b000000u, 0x7443)) - kBase);
}

/// A constant that the compiler does not know to be one and so keeps in a register: an instruction takes one constant
/// only, and selecting bits and setting others in one step needs two. Grids here have one layer.
__device__ __forceinline__ unsigned InRegister(unsigned value) { return value + (gridDim.z - 1); }

/// q - 8 of the lower halves of a word's bytes.
__device__ __forceinline__ float4 LowNibbles(unsigned word) {
  return make_float4(__uint_as_float((word & 0xfu) | InRegister(0x4b000000u)) - 8388616.0f,
                     __uint_as_float((word & 0xf00u) | InRegister(0x47000000u)) - 32776.0f,
                     __uint_as_float((word & 0xf0000u) | InRegister(0x43000000u)) - 136.0f,
                     __uint_as_float((word >> 12 & 0xf000u) | InRegister(0x45000000u)) - 2056.0f);
}

/// q - 8 of the upper halves.
__device__ __forceinline__ float4 HighNibbles(unsigned word) {
  const unsigned upper = word >> 12;
  return make_float4(__uint_as_float((word & 0xf0u) | InRegister(0x49000000u)) - 524296.0f,
                     __uint_as_float((word & 0xf000u) | InRegister(0x45000000u)) - 2056.0f,
                     __uint_as_float((upper & 0xf00u) | InRegister(0x47000000u)) - 32776.0f,
                     __uint_as_float((upper & 0xf0000u) | InRegister(0x43000000u)) - 136.0f);
}

__device__ __forceinline__ float2 Halves(unsigned word) {
  return make_float2(HalfToFloat(static_cast<uint16_t>(word & 0xffffu)),
                     HalfToFloat(static_cast<uint16_t>(word >> 16)));
}

__device__ __forceinline__ float2 Bfloats(unsigned word) {
  return make_float2(__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u));
}

__device__ __forceinline__ float4 Joined(float2 first, float2 second) {
  return make_float4(first.x, first.y, second.x, second.y);
}

__device__ __forceinline__ float4 Floats(const uint4& words) {
  return make_float4(__uint_as_float(words.x), __uint_as_float(words.y), __uint_as_float(words.z),
                     __uint_as_float(words.w));
}

/// Word 0..3; `index` is known when the code is compiled, so that nothing is indexed in memory.
__device__ __forceinline__ unsigned WordOf(const uint4& words, int index) {
  return index == 0 ? words.x : index == 1 ? words.y : index == 2 ? words.z : words.w;
}

/// The 16 bytes of a row of plain elements that one lane takes at once. Quad(j) is 4 of its columns.
template <int kDtype>
struct Chunk;

template <>
struct Chunk<CI_F32> {
  __device__ __forceinline__ float4 Quad(int) const { return Floats(words); }

  uint4 words;
};

template <>
struct Chunk<CI_F16> {
  __device__ __forceinline__ float4 Quad(int j) const {
    return Joined(Halves(WordOf(words, 2 * j)), Halves(WordOf(words, 2 * j + 1)));
  }

  uint4 words;
};

template <>
struct Chunk<CI_BF16> {
  __device__ __forceinline__ float4 Quad(int j) const {
    return Joined(Bfloats(WordOf(words, 2 * j)), Bfloats(WordOf(words, 2 * j + 1)));
  }

  uint4 words;
};

/// 8 columns as they lie in memory, scales included.
struct RawOctet {
  uint4 low;
  uint4 high;
};

/// Columns column..column+7 of a row; `column` is a multiple of 8 and the matrix has aligned octets.
__device__ __forceinline__ RawOctet LoadOctet(const DeviceMatrix& matrix, int64_t row, int column) {
  RawOctet raw = {};
  const uint8_t* q = matrix.q + row * ElementBytes(matrix.dtype, matrix.columns);
  const uint8_t* d = matrix.d;
  switch (matrix.dtype) {
    case CI_F32:
      raw.low = __ldg(reinterpret_cast<const uint4*>(q) + column / 4);
      raw.high = __ldg(reinterpret_cast<const uint4*>(q) + column / 4 + 1);
      return raw;
    case CI_F16:
    case CI_BF16:
      raw.low = __ldg(reinterpret_cast<const uint4*>(q) + column / 8);
      return raw;
    case CI_Q8_0:
    case CI_Q8_0_SHARED: {
      const uint2 words = __ldg(reinterpret_cast<const uint2*>(q + column));
      raw.low = make_uint4(words.x, words.y, 0, 0);
      break;
    }
    default: {
      // Columns 0..15 of 32 are the lower halves of 16 bytes, the others the upper halves.
      const uint2 words = __ldg(reinterpret_cast<const uint2*>(q + column / 32 * 16 + column % 16));
      raw.low = make_uint4(words.x, words.y, 0, 0);
      break;
    }
  }
  if (HasSharedScales(matrix.dtype)) {
    raw.high = __ldg(reinterpret_cast<const uint4*>(d + 2 * (row / 32 * matrix.columns + column)));
  } else {
    const int64_t scale = row * (matrix.columns / 32) + column / 32;
    raw.high.x = __ldg(reinterpret_cast<const unsigned short*>(d) + scale);
  }
  return raw;
}

struct Octet {
  float4 low;
  float4 high;
};

__device__ __forceinline__ float4 Product(float4 x, float4 y) {
  return make_float4(x.x * y.x, x.y * y.y, x.z * y.z, x.w * y.w);
}

/// The values of LoadOctet's columns.
__device__ __forceinline__ Octet DecodeOctet(int32_t dtype, const RawOctet& raw, int column) {
  switch (dtype) {
    case CI_F32:
      return {Floats(raw.low), Floats(raw.high)};
    case CI_F16:
      return {Joined(Halves(raw.low.x), Halves(raw.low.y)), Joined(Halves(raw.low.z), Halves(raw.low.w))};
    case CI_BF16:
      return {Joined(Bfloats(raw.low.x), Bfloats(raw.low.y)), Joined(Bfloats(raw.low.z), Bfloats(raw.low.w))};
    default:
      break;
  }
  Octet octet;
  if (dtype == CI_Q8_0 || dtype == CI_Q8_0_SHARED) {
    octet = {SignedBytes(raw.low.x), SignedBytes(raw.low.y)};
  } else if (column % 32 < 16) {
    octet = {LowNibbles(raw.low.x), LowNibbles(raw.low.y)};
  } else {
    octet = {HighNibbles(raw.low.x), HighNibbles(raw.low.y)};
  }
  if (!HasSharedScales(dtype)) {
    const float d = HalfToFloat(static_cast<uint16_t>(raw.high.x));
    const float4 scale = make_float4(d, d, d, d);
    return {Product(scale, octet.low), Product(scale, octet.high)};
  }
  return {Product(Joined(Halves(raw.high.x), Halves(raw.high.y)), octet.low),
          Product(Joined(Halves(raw.high.z), Halves(raw.high.w)), octet.high)};
}

/// One element, the slow way: for rows that are not made of aligned octets, or that are too long. scale_row is `row`,
/// but for packed rows the one whose scales are shared.
__device__ __forceinline__ float ElementAt(const DeviceMatrix& matrix, int64_t row, int64_t scale_row, int column) {
  const uint8_t* q = matrix.q + row * ElementBytes(matrix.dtype, matrix.columns);
  const auto* d = reinterpret_cast<const unsigned short*>(matrix.d);
  const int64_t scale = HasSharedScales(matrix.dtype) ? scale_row / 32 * matrix.columns + column
                                                      : row * (matrix.columns / 32) + column / 32;
  switch (matrix.dtype) {
    case CI_F32:
      return __ldg(reinterpret_cast<const float*>(q) + column);
    case CI_F16:
      return HalfToFloat(__ldg(reinterpret_cast<const unsigned short*>(q) + column));
    case CI_BF16:
      return BfloatToFloat(__ldg(reinterpret_cast<const unsigned short*>(q) + column));
    case CI_Q8_0:
    case CI_Q8_0_SHARED:
      return HalfToFloat(__ldg(d + scale)) * static_cast<float>(static_cast<int8_t>(__ldg(q + column)));
    default: {
      const int byte = __ldg(q + column / 32 * 16 + column % 16);
      const int nibble = column % 32 < 16 ? byte & 15 : byte >> 4;
      return HalfToFloat(__ldg(d + scale)) * static_cast<float>(nibble - 8);
    }
  }
}

__device__ __forceinline__ float ElementAt(const DeviceMatrix& matrix, int64_t row, int column) {
  return ElementAt(matrix, row, row, column);
}

/// Up to 8 columns from `column` on, the slow way; columns past the row's end are 0.
__device__ __forceinline__ Octet OctetAt(const DeviceMatrix& matrix, int64_t row, int column) {
  float values[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) values[i] = column + i < matrix.columns ? ElementAt(matrix, row, column + i) : 0.0f;
  return {make_float4(values[0], values[1], values[2], values[3]),
          make_float4(values[4], values[5], values[6], values[7])};
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_ROWS_H_
