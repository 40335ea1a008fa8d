#include "gemm_panels.h"

#include <cstring>

#include "dtype.h"

namespace coreinfer {
namespace {

template <int kLocality>
void Prefetch(const Matrix& weight, int64_t row, int64_t begin, int64_t end) {
  if (row >= weight.rows) return;
  const auto column = static_cast<int32_t>(begin);
  const int32_t shared_bytes = SharedLayoutOf(weight.dtype).piece_bytes;
  const bool is_shared = shared_bytes > 0;
  const uint8_t* first = is_shared ? SharedPlaceOf(weight, row, column).elements : ElementOf(weight, row, column);
  const int64_t bytes =
      is_shared ? (end - begin) / kGroupSize * shared_bytes : RowBytes(weight.dtype, static_cast<int32_t>(end - begin));
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(first + i, 0, kLocality);
}

}  // namespace

const uint8_t* ElementOf(const Matrix& weight, int64_t row, int32_t column) {
  return weight.data + row * weight.row_bytes + RowBytes(weight.dtype, column);
}

SharedPlace SharedPlaceOf(const Matrix& weight, int64_t row, int32_t column) {
  const SharedLayout shared = SharedLayoutOf(weight.dtype);
  const int64_t row_bytes = int64_t{weight.columns} / kGroupSize * shared.piece_bytes;
  const int64_t header_bytes = int64_t{weight.columns} * shared.header_bytes;
  const uint8_t* const block = weight.data + row / shared.rows * (header_bytes + shared.rows * row_bytes);
  const uint8_t* const first = block + header_bytes + row % shared.rows * row_bytes;
  return {block, first + int64_t{column} / kGroupSize * shared.piece_bytes, row_bytes};
}

void PrefetchElements(const Matrix& weight, int64_t row, int64_t begin, int64_t end) {
  Prefetch<3>(weight, row, begin, end);
}

void PrefetchElementsToL2(const Matrix& weight, int64_t row, int64_t begin, int64_t end) {
  Prefetch<2>(weight, row, begin, end);
}

void DequantizeAlike(const ci_context& context, const Matrix& weight, int32_t row, int32_t end, const TileRange& tile,
                     float (*out)[kTileRows]) {
  const int32_t rows = end - row < kAlikeRows ? end - row : kAlikeRows;
  const bool is_full = rows == kAlikeRows && tile.width() % kPanelRows == 0;
  if (!is_full) std::memset(out, 0, sizeof(float) * size_t{kAlikeRows} * size_t{kTileRows});
  for (int32_t i = 0; i < rows; ++i) PrefetchElements(weight, row + kAlikeRows + i, tile.begin, tile.end);
  if (rows > 0) context.simd.dequantize(&weight, row, rows, tile.begin, tile.end, out[0], kTileRows);
}

void AddBlocks(void (*add)(const float*, int32_t, int32_t, float*, int64_t), const TileRange& tile, const float* sums,
               float* y, int64_t y_stride) {
  for (int32_t t = 0; t < tile.tokens; t += kPanelRows) {
    const int32_t rows = tile.tokens - t < kPanelRows ? tile.tokens - t : kPanelRows;
    for (int32_t i = 0; i < tile.width(); i += kPanelRows, sums += kBlockFloats) {
      const int32_t columns = tile.width() - i < kPanelRows ? tile.width() - i : kPanelRows;
      add(sums, rows, columns, y + t * y_stride + i, y_stride);
    }
  }
}

}  // namespace coreinfer
