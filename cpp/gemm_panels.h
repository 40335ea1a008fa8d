// What products on tiles have in common, of bfloat16, of digits and of attention: panels (simd/tiles.h), and weights
// that are read in pieces.
#ifndef COREINFER_CPP_GEMM_PANELS_H_
#define COREINFER_CPP_GEMM_PANELS_H_

#include <cstdint>

#include "gemm.h"
#include "simd/tiles.h"

namespace coreinfer {

inline int64_t Panels(int64_t count) { return (count + kPanelRows - 1) / kPanelRows; }

/// Where a row of left panels begins that lie panel_bytes apart: in its half, the upper or the lower tile.
inline uint8_t* LeftRow(uint8_t* panels, int64_t panel_bytes, int64_t row) {
  return panels + row / kPanelRows * panel_bytes + row % kPanelRows / 16 * kTileBytes + row % 16 * (kTileBytes / 16);
}

/// Where a plain element lies.
const uint8_t* ElementOf(const Matrix& weight, int64_t row, int32_t column);

/// The same for elements of a dtype whose rows share scales, and where its block of rows begins.
struct SharedPlace {
  const uint8_t* block;
  const uint8_t* elements;
  int64_t row_bytes;
};
SharedPlace SharedPlaceOf(const Matrix& weight, int64_t row, int32_t column);

/// Asks L1, or L2, for elements begin..end-1 of a row, if there is such a row: rows are read in pieces too short for
/// the processor to foresee the next.
void PrefetchElements(const Matrix& weight, int64_t row, int64_t begin, int64_t end);
void PrefetchElementsToL2(const Matrix& weight, int64_t row, int64_t begin, int64_t end);

/// The elements of a tile's columns in rows row..row+kAlikeRows-1, from a multiple of kAlikeRows on. From row `end` on,
/// and behind the tile's width to the end of its panel, are zeros.
void DequantizeAlike(const ci_context& context, const Matrix& weight, int32_t row, int32_t end, const TileRange& tile,
                     float (*out)[kTileRows]);

/// How many rows ahead, where rows are converted.
constexpr int32_t kRowsAhead = 8;

/// y += the sums of a tile, blocks of its panels of outputs for each panel of tokens. `add` is a table's add_block, or
/// add_block_transposed.
void AddBlocks(void (*add)(const float*, int32_t, int32_t, float*, int64_t), const TileRange& tile, const float* sums,
               float* y, int64_t y_stride);

}  // namespace coreinfer

#endif  // COREINFER_CPP_GEMM_PANELS_H_
