// Panels of bfloat16 parts, and what becomes of a block of sums, with AVX-512 and its bfloat16 conversions: what the
// tables of tiles.h have in common. Everything is in an anonymous namespace (kernels.inl tells why).
#pragma once

#include <immintrin.h>
#include <string.h>

#include "coreinfer/types.h"
#include "simd/tile_rows.inl"
#include "simd/tiles.h"

namespace coreinfer {
namespace {

struct Pair {
  __m512 low;
  __m512 high;
};

Pair LoadPair(const float* x, int32_t count) {
  return {_mm512_maskz_loadu_ps(FirstLanes(count), x),
          count > 16 ? _mm512_maskz_loadu_ps(FirstLanes(count - 16), x + 16) : _mm512_setzero_ps()};
}

// The next part of 32 values, which are left with what it does not hold.
__m512i TakePart(Pair* values) {
  const auto part = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(values->high, values->low));
  const __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(part));
  const __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(part, 1));
  values->low = _mm512_sub_ps(values->low, _mm512_castsi512_ps(_mm512_slli_epi32(low, 16)));
  values->high = _mm512_sub_ps(values->high, _mm512_castsi512_ps(_mm512_slli_epi32(high, 16)));
  return part;
}

void SplitLeftRow(const float* x, int32_t depth, int32_t parts, uint8_t* out) {
  for (int32_t k = 0; k < depth; k += kStepDepth, out += parts * kPartBytes) {
    Pair values = LoadPair(x + k, depth - k);
    for (int64_t part = 0; part < parts; ++part) _mm512_storeu_si512(out + part * kPartBytes, TakePart(&values));
  }
}

struct Bf16Elements {
  static __m512i Part(const uint8_t* x) { return _mm512_loadu_si512(x); }
  static __m512i Part(const uint8_t* x, __mmask32 lanes) { return _mm512_maskz_loadu_epi16(lanes, x); }
};

struct F16Elements {
  static __m512i Part(const uint8_t* x) {
    return Round(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)),
                 _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + 32)));
  }
  static __m512i Part(const uint8_t* x, __mmask32 lanes) {
    const __m512i values = _mm512_maskz_loadu_epi16(lanes, x);
    return Round(_mm512_castsi512_si256(values), _mm512_extracti64x4_epi64(values, 1));
  }
  static __m512i Round(__m256i low, __m256i high) {
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(_mm512_cvtph_ps(high), _mm512_cvtph_ps(low)));
  }
};

// The part of the first 32 of `count` elements.
template <class Elements>
__m512i FirstPart(const uint8_t* x, int32_t count) {
  return count >= 32 ? Elements::Part(x) : Elements::Part(x, (__mmask32{1} << count) - 1);
}

template <class Elements>
void TakeLeft(const uint8_t* row, int32_t depth, uint8_t* out) {
  for (int64_t k = 0; k < depth; k += kStepDepth, out += kPartBytes) {
    _mm512_storeu_si512(out, FirstPart<Elements>(row + 2 * k, depth - static_cast<int32_t>(k)));
  }
}

void TakeLeftRow(int32_t dtype, const uint8_t* row, int32_t depth, uint8_t* out) {
  return dtype == CI_BF16 ? TakeLeft<Bf16Elements>(row, depth, out) : TakeLeft<F16Elements>(row, depth, out);
}

void SplitRightColumns(const float* x, int64_t stride, int32_t columns, int32_t depth, int32_t parts, uint8_t* out) {
  for (int32_t k = 0; k < depth; k += kStepDepth, out += parts * kPartBytes) {
    Pair values[16];
    for (int64_t i = 0; i < 16; ++i) {
      values[i] =
          i < columns ? LoadPair(x + i * stride + k, depth - k) : Pair{_mm512_setzero_ps(), _mm512_setzero_ps()};
    }
    for (int64_t part = 0; part < parts; ++part) {
      __m512i rows[16];
      for (int i = 0; i < 16; ++i) rows[i] = TakePart(&values[i]);
      Transpose(rows);
      for (int64_t i = 0; i < 16; ++i) _mm512_storeu_si512(out + part * kPartBytes + i * kRowBytes, rows[i]);
    }
  }
}

void SplitRightRows(const float* even, const float* odd, int32_t columns, int32_t parts, int64_t panel_bytes,
                    uint8_t* out) {
  const __m512i alternate = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                             21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (int64_t i = 0; i < columns; i += 16) {
    uint8_t* tile = out + i / kPanelRows * panel_bytes + i % kPanelRows / 16 * kTileBytes;
    Pair values{_mm512_loadu_ps(even + i), _mm512_loadu_ps(odd + i)};
    for (int64_t part = 0; part < parts; ++part) {
      _mm512_storeu_si512(tile + part * kPartBytes, _mm512_permutexvar_epi16(alternate, TakePart(&values)));
    }
  }
}

// Two rows of 32 elements, the two of a column side by side: the two vectors of a panel's tiles.
template <class Elements>
void TakeRight(const uint8_t* even, const uint8_t* odd, int32_t columns, int64_t panel_bytes, uint8_t* out) {
  for (int64_t i = 0; i < columns; i += kPanelRows, out += panel_bytes) {
    const int32_t count = columns - static_cast<int32_t>(i);
    const __m512i above = even == nullptr ? _mm512_setzero_si512() : FirstPart<Elements>(even + 2 * i, count);
    const __m512i below = odd == nullptr ? _mm512_setzero_si512() : FirstPart<Elements>(odd + 2 * i, count);
    StorePairs(above, below, out);
  }
}

void TakeRightRows(int32_t dtype, const uint8_t* even, const uint8_t* odd, int32_t columns, int64_t panel_bytes,
                   uint8_t* out) {
  const auto take = dtype == CI_BF16 ? TakeRight<Bf16Elements> : TakeRight<F16Elements>;
  take(even, odd, columns, panel_bytes, out);
}

void AddRow(__m512 values, int32_t columns, float* y) {
  const __mmask16 lanes = FirstLanes(columns);
  _mm512_mask_storeu_ps(y, lanes, _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, y), values));
}

const float* TileOf(const float* block, int64_t row, int64_t column) {
  return block + (2 * (row / 16) + column / 16) * 256;
}

void AddBlock(const float* block, int32_t rows, int32_t columns, float* y, int64_t stride) {
  for (int32_t r = 0; r < rows; ++r) {
    for (int32_t i = 0; i < columns; i += 16) {
      AddRow(_mm512_loadu_ps(TileOf(block, r, i) + int64_t{r % 16} * 16), columns - i, y + r * stride + i);
    }
  }
}

void AddBlockTransposed(const float* block, int32_t rows, int32_t columns, float* y, int64_t stride) {
  for (int32_t r = 0; r < rows; r += 16) {
    for (int32_t i = 0; i < columns; i += 16) {
      const float* tile = TileOf(block, i, r);
      __m512i lines[16];
      for (int64_t j = 0; j < 16; ++j) lines[j] = _mm512_loadu_si512(tile + j * 16);
      Transpose(lines);
      for (int32_t j = 0; j < 16 && r + j < rows; ++j) {
        AddRow(_mm512_castsi512_ps(lines[j]), columns - i, y + (r + j) * stride + i);
      }
    }
  }
}

}  // namespace
}  // namespace coreinfer
