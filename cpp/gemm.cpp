// One tile of a dense product in F32, computed by one thread. Rows of plain elements are multiplied where they are, if
// the processor has registers enough. Of other weights a block is converted into scratch and multiplied, then the next
// block of the depth. Without a BLAS, weights are repacked into panels for the
// kernel in simd/gemm.inl. Arithmetic bounds the time; conversion costs one pass over the weights per kTokenBlock
// tokens.
#include "gemm.h"

#include <cstring>

#include "dtype.h"
#include "gemm_digits.h"
#include "gemm_packs.h"
#include "gemm_tiles.h"

namespace coreinfer {
namespace {

constexpr int kRowMajor = 101;
constexpr int kNoTranspose = 111;
constexpr int kTranspose = 112;

// Own kernels: panels of kPanelDepth keep in L2, with a block of tokens in L1. The padding keeps the rows of the token
// block out of each other's cache sets.
constexpr int32_t kPanelDepth = 512;
constexpr int64_t kTokenStride = kPanelDepth + 16;
constexpr int64_t kMostPanelTokens = 16;
constexpr int64_t kMostPanelWidth = 32;

// Of the elements that are summed over, so many are converted at a time: a tile is half a MiB.
constexpr int32_t kTileDepth = 512;

// panel[k][i] = weight for output first + i at depth k0 + k, zero past the tile's width.
void PackPanel(const FloatWeights& tile, int32_t first, int32_t k0, int32_t depth, int32_t panel_width, float* panel) {
  const int32_t valid = tile.width - first < panel_width ? tile.width - first : panel_width;
  if (valid < panel_width) std::memset(panel, 0, sizeof(float) * static_cast<size_t>(depth * panel_width));
  if (tile.along == Along::kRows) {
    for (int32_t i = 0; i < valid; ++i) {
      const float* row = tile.weights + (first + i) * tile.stride + k0;
      for (int32_t k = 0; k < depth; ++k) panel[int64_t{k} * panel_width + i] = row[k];
    }
  } else {
    for (int64_t k = 0; k < depth; ++k) {
      std::memcpy(panel + k * panel_width, tile.weights + (k0 + k) * tile.stride + first,
                  sizeof(float) * static_cast<size_t>(valid));
    }
  }
}

void MultiplyByPanels(const SimdKernels& simd, const FloatWeights& tile, const float* x, int64_t x_stride,
                      int32_t tokens, float* y, int64_t y_stride, float* scratch) {
  float* token_block = scratch;
  float* panels = scratch + kMostPanelTokens * kTokenStride;
  for (int32_t k0 = 0; k0 < tile.depth; k0 += kPanelDepth) {
    const int32_t depth = tile.depth - k0 < kPanelDepth ? tile.depth - k0 : kPanelDepth;
    const int64_t panel_size = int64_t{depth} * simd.panel_width;
    for (int32_t i = 0; i < tile.width; i += simd.panel_width) {
      PackPanel(tile, i, k0, depth, simd.panel_width, panels + i / simd.panel_width * panel_size);
    }
    for (int32_t t0 = 0; t0 < tokens; t0 += simd.panel_tokens) {
      const int32_t block = tokens - t0 < simd.panel_tokens ? tokens - t0 : simd.panel_tokens;
      for (int32_t t = 0; t < block; ++t) {
        std::memcpy(token_block + t * kTokenStride, x + (t0 + t) * x_stride + k0,
                    sizeof(float) * static_cast<size_t>(depth));
      }
      for (int32_t i = 0; i < tile.width; i += simd.panel_width) {
        const int32_t width = tile.width - i < simd.panel_width ? tile.width - i : simd.panel_width;
        simd.multiply_panel(token_block, kTokenStride, block, panels + i / simd.panel_width * panel_size, depth, width,
                            y + t0 * y_stride + i, y_stride);
      }
    }
  }
}

void MultiplyTile(const SimdKernels& simd, const FloatWeights& tile, const float* x, int64_t x_stride, int32_t tokens,
                  float* y, int64_t y_stride, float* scratch) {
  const SgemmFunction sgemm = BlasSgemm();
  if (sgemm == nullptr) {
    MultiplyByPanels(simd, tile, x, x_stride, tokens, y, y_stride, scratch);
    return;
  }
  sgemm(kRowMajor, kNoTranspose, tile.along == Along::kRows ? kTranspose : kNoTranspose, tokens, tile.width, tile.depth,
        1.0f, x, static_cast<int>(x_stride), tile.weights, static_cast<int>(tile.stride), 1.0f, y,
        static_cast<int>(y_stride));
}

constexpr int64_t kTileFloats = int64_t{kTileRows} * kTileDepth;
constexpr int64_t kPanelFloats = kMostPanelTokens * kTokenStride + (kTileRows + kMostPanelWidth) * int64_t{kPanelDepth};

bool MultipliesRows(const SimdKernels& simd, const Matrix& weight) {
  return weight.dtype <= CI_BF16 && simd.multiply_rows[weight.dtype] != nullptr;
}

// Straight from the rows, as many at a time as the second level cache holds.
void MultiplyPlainRows(const SimdKernels& simd, const Matrix& weight, const TileRange& range, const float* x, float* y,
                       int64_t y_stride) {
  constexpr int64_t kBytesTogether = int64_t{256} * 1024;
  const int64_t fitting = kBytesTogether / weight.row_bytes;
  const int64_t step = fitting < 16 ? 16 : fitting;
  for (int64_t begin = range.begin; begin < range.end; begin += step) {
    const int64_t count = range.end - begin < step ? range.end - begin : step;
    simd.multiply_rows[weight.dtype](weight.data + begin * weight.row_bytes, weight.row_bytes,
                                     static_cast<int32_t>(count), {x, range.tokens, weight.columns},
                                     y + (begin - range.begin), y_stride);
  }
}

void MultiplyByRows(const SimdKernels& simd, const Matrix& weight, const TileRange& range, const float* x, float* y,
                    int64_t y_stride, float* converted) {
  if (MultipliesRows(simd, weight)) return MultiplyPlainRows(simd, weight, range, x, y, y_stride);
  const float* plain = PlainFloats(weight);
  FloatWeights tile{converted, kTileDepth, Along::kRows, range.width(), 0};
  for (int32_t k0 = 0; k0 < weight.columns; k0 += kTileDepth) {
    tile.depth = weight.columns - k0 < kTileDepth ? weight.columns - k0 : kTileDepth;
    if (plain != nullptr) {
      tile.weights = plain + int64_t{range.begin} * weight.columns + k0;
      tile.stride = weight.columns;
    } else {
      simd.dequantize(&weight, range.begin, range.width(), k0, k0 + tile.depth, converted, kTileDepth);
    }
    MultiplyTile(simd, tile, x + k0, weight.columns, range.tokens, y, y_stride, converted + kTileFloats);
  }
}

void MultiplyByColumns(const SimdKernels& simd, const Matrix& weight, const TileRange& range, const float* x, float* y,
                       int64_t y_stride, float* converted) {
  const float* plain = PlainFloats(weight);
  FloatWeights tile{converted, kTileRows, Along::kColumns, range.width(), 0};
  for (int32_t k0 = 0; k0 < weight.rows; k0 += kTileDepth) {
    tile.depth = weight.rows - k0 < kTileDepth ? weight.rows - k0 : kTileDepth;
    if (plain != nullptr) {
      tile.weights = plain + int64_t{k0} * weight.columns + range.begin;
      tile.stride = weight.columns;
    } else {
      for (int32_t k = 0; k < tile.depth; k += kAlikeRows) {
        const int32_t rows = tile.depth - k < kAlikeRows ? tile.depth - k : kAlikeRows;
        simd.dequantize(&weight, k0 + k, rows, range.begin, range.end, converted + int64_t{k} * kTileRows, kTileRows);
      }
    }
    MultiplyTile(simd, tile, x + k0, weight.rows, range.tokens, y, y_stride, converted + kTileFloats);
  }
}

}  // namespace

Inputs PrepareInputs(ci_context& context, const Matrix& weight, Along along, const float* x, int32_t tokens) {
  Inputs inputs{x, tokens, along == Along::kRows ? weight.columns : weight.rows, along, nullptr, 0, {}};
  if (UsesDigits(context, weight.dtype, inputs.depth)) {
    SplitInputsIntoDigits(context, &inputs);
  } else if (UsesTiles(context, weight.dtype, inputs.depth)) {
    SplitInputs(context, weight, &inputs);
  } else if (UsesPacks(context, weight, along)) {
    SplitInputsForPacks(context, weight, &inputs);
  }
  return inputs;
}

int64_t GemmScratchBytes(const Inputs& inputs) {
  if (inputs.panels != nullptr) return inputs.parts == 0 ? DigitScratchBytes(inputs) : TileScratchBytes(inputs);
  if (inputs.split.any()) return PackScratchBytes(inputs);
  return (kTileFloats + kPanelFloats) * static_cast<int64_t>(sizeof(float));
}

// Of a BLAS nobody knows whether an element is the same beside more others, so there tiles don't depend on the threads.
int64_t TileWidth(const ci_context& context, const Inputs& inputs, int64_t width) {
  constexpr int64_t kTilesPerThread = 4;
  constexpr int64_t kNarrow = kTileRows / 4;
  if (inputs.panels == nullptr && !inputs.split.any()) return width < 16 * kNarrow ? kNarrow : kTileRows;
  const int64_t least = inputs.split.any() ? LeastPackedWidth(inputs) : kNarrow;
  const int64_t blocks = (int64_t{inputs.tokens} + kTokenBlock - 1) / kTokenBlock;
  int64_t step = kTileRows;
  while (step > least && (width + step - 1) / step * blocks < kTilesPerThread * context.pool.size()) step /= 2;
  return step;
}

void Multiply(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile, float* y,
              int64_t y_stride, uint8_t* scratch) {
  if (inputs.panels != nullptr) {
    const auto multiply = inputs.parts == 0 ? MultiplyDigits : MultiplyOnTiles;
    return multiply(context, weight, inputs, tile, y, y_stride, scratch);
  }
  if (inputs.split.any()) return MultiplyPacked(context, weight, inputs, tile, y, y_stride, scratch);
  const float* x = inputs.x + int64_t{tile.first_token} * inputs.depth;
  const auto multiply = inputs.along == Along::kRows ? MultiplyByRows : MultiplyByColumns;
  multiply(context.simd, weight, tile, x, y, y_stride, reinterpret_cast<float*>(scratch));
}

void MultiplyFloats(const SimdKernels& simd, const FloatWeights& weights, const float* x, int64_t x_stride,
                    int32_t tokens, float* y, int64_t y_stride, uint8_t* scratch) {
  MultiplyByPanels(simd, weights, x, x_stride, tokens, y, y_stride, reinterpret_cast<float*>(scratch));
}

int64_t FloatScratchBytes() { return kPanelFloats * static_cast<int64_t>(sizeof(float)); }

void StartOutput(const float* bias, int32_t tokens, int32_t width, bool accumulate, float* y, int64_t y_stride) {
  if (accumulate && bias == nullptr) return;
  for (int32_t t = 0; t < tokens; ++t, y += y_stride) {
    for (int32_t i = 0; i < width; ++i) {
      const float start = bias == nullptr ? 0.0f : bias[i];
      y[i] = accumulate ? y[i] + start : start;
    }
  }
}

}  // namespace coreinfer
