// The kernels of tiles.h for Intel's AMX: tiles 0 to 3 hold a block of sums, 4 and 5 the left operand, 6 and 7 the
// right one. Of the products of two parts each, three are taken with eight loads; the matrix unit bounds the time.
#include <immintrin.h>
#include <string.h>

#include "simd/tiles.h"

namespace coreinfer {
namespace {

constexpr int64_t kRowBytes = 64;

struct TileShapes {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

// In memory: gcc takes the instruction for one that reads only its first bytes, and would leave out stores of the rest.
const TileShapes kShapes = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

void Start() { _tile_loadconfig(&kShapes); }

void Stop() { _tile_release(); }

struct Pair {
  __m512 low;
  __m512 high;
};

__mmask16 FirstLanes(int32_t count) {
  return count >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << (count < 0 ? 0 : count)) - 1);
}

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

// rows[i] lane j becomes rows[j] lane i.
void Transpose(__m512i (&rows)[16]) {
  __m512i other[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    other[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    other[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    rows[i] = _mm512_unpacklo_epi64(other[i], other[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(other[i], other[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(other[i + 1], other[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(other[i + 1], other[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    other[i] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0x88);
    other[i + 4] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0xdd);
    other[i + 8] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0x88);
    other[i + 12] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm512_shuffle_i32x4(other[i], other[i + 8], 0x88);
    rows[i + 4] = _mm512_shuffle_i32x4(other[i + 4], other[i + 12], 0x88);
    rows[i + 8] = _mm512_shuffle_i32x4(other[i], other[i + 8], 0xdd);
    rows[i + 12] = _mm512_shuffle_i32x4(other[i + 4], other[i + 12], 0xdd);
  }
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

// The four products of a part of each operand. An operand that the product before has left in its tiles is not loaded
// again; loads stand as late as they can, so that the matrix unit does not wait for all of them.
template <bool kLoadsLeft, bool kLoadsRight>
inline void AddProducts(const uint8_t* left, const uint8_t* right) {
  if (kLoadsLeft) _tile_loadd(4, left, kRowBytes);
  if (kLoadsRight) _tile_loadd(6, right, kRowBytes);
  _tile_dpbf16ps(0, 4, 6);
  if (kLoadsRight) _tile_loadd(7, right + kTileBytes, kRowBytes);
  _tile_dpbf16ps(1, 4, 7);
  if (kLoadsLeft) _tile_loadd(5, left + kTileBytes, kRowBytes);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

template <int kLeftParts, int kRightParts>
inline void AddStep(const uint8_t* left, const uint8_t* right) {
  if (kLeftParts == 1) {
    AddProducts<true, true>(left, right);
    AddProducts<false, true>(left, right + kPartBytes);
  } else if (kLeftParts == 2) {
    AddProducts<true, true>(left + kPartBytes, right);
    AddProducts<true, false>(left, right);
    if (kRightParts == 2) AddProducts<false, true>(left, right + kPartBytes);
  } else {
    AddProducts<true, true>(left + 2 * kPartBytes, right);
    AddProducts<true, false>(left + kPartBytes, right);
    AddProducts<false, true>(left + kPartBytes, right + kPartBytes);
    AddProducts<true, false>(left, right + kPartBytes);
    AddProducts<false, true>(left, right);
    if (kRightParts == 3) AddProducts<false, true>(left, right + 2 * kPartBytes);
  }
}

template <int kLeftParts, int kRightParts>
void AddSteps(const uint8_t* left, const uint8_t* right, int32_t steps, float* block, const uint8_t* next) {
  auto* tiles = reinterpret_cast<uint8_t*>(block);
  _tile_loadd(0, tiles, kRowBytes);
  _tile_loadd(1, tiles + kTileBytes, kRowBytes);
  _tile_loadd(2, tiles + 2 * kTileBytes, kRowBytes);
  _tile_loadd(3, tiles + 3 * kTileBytes, kRowBytes);
  for (int32_t step = 0; step < steps; ++step) {
    AddStep<kLeftParts, kRightParts>(left, right);
    for (int64_t i = 0; i < kPrefetchBytes; i += 64) _mm_prefetch(next + i, _MM_HINT_T1);
    next += kPrefetchBytes;
    left += kLeftParts * kPartBytes;
    right += kRightParts * kPartBytes;
  }
  _tile_stored(0, tiles, kRowBytes);
  _tile_stored(1, tiles + kTileBytes, kRowBytes);
  _tile_stored(2, tiles + 2 * kTileBytes, kRowBytes);
  _tile_stored(3, tiles + 3 * kTileBytes, kRowBytes);
}

void Multiply(const uint8_t* left, int32_t left_parts, const uint8_t* right, int32_t right_parts, int32_t steps,
              float* block, const uint8_t* next) {
  switch (10 * left_parts + right_parts) {
    case 12:
      return AddSteps<1, 2>(left, right, steps, block, next);
    case 21:
      return AddSteps<2, 1>(left, right, steps, block, next);
    case 22:
      return AddSteps<2, 2>(left, right, steps, block, next);
    case 32:
      return AddSteps<3, 2>(left, right, steps, block, next);
    case 33:
      return AddSteps<3, 3>(left, right, steps, block, next);
    default:
      __builtin_trap();
  }
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

constexpr TileKernels kTiles = {Start,          Stop,     SplitLeftRow, SplitRightColumns,
                                SplitRightRows, Multiply, AddBlock,     AddBlockTransposed};

}  // namespace

const TileKernels& AmxTiles() { return kTiles; }

}  // namespace coreinfer
