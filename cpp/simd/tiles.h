// Products of bfloat16, on a processor's matrix registers or in vectors: F32 values as sums of bfloat16 parts, whose
// products are exact in F32. One part keeps 8 bits of a value, two 17, three all 24. This header is included by code
// compiled for one processor: it must not define functions, which the linker could merge.
#ifndef COREINFER_CPP_SIMD_TILES_H_
#define COREINFER_CPP_SIMD_TILES_H_

#include <stdint.h>

namespace coreinfer {

/// A panel is kPanelRows rows of the left operand or as many columns of the right one, cut along the depth into steps
/// of kStepDepth. A step holds its parts one after another, the largest first, each in two tiles of half the rows or
/// columns. Left tiles lie row by row; right ones by pairs of rows, the two values of a column side by side.
constexpr int32_t kPanelRows = 32;
constexpr int32_t kStepDepth = 32;
constexpr int64_t kTileBytes = 1024;
constexpr int64_t kPartBytes = 2 * kTileBytes;
constexpr int64_t kBlockFloats = int64_t{kPanelRows} * kPanelRows;

/// What will be read soon, if anything: `rows` pieces of `bytes`, `stride` apart.
struct Ahead {
  const uint8_t* first;
  int64_t stride;
  int32_t rows;
  int32_t bytes;
};

struct DigitTileKernels;

struct TileKernels {
  /// Surround the calls of `multiply` on a thread.
  void (*start)();
  void (*stop)();

  /// One row of a left panel; `out` is its place in the first tile. The depth is padded with zeros to whole steps.
  void (*split_left_row)(const float* x, int32_t depth, int32_t parts, uint8_t* out);

  /// The same, in one part, from a row of BF16, or of F16, of which 8 bits are kept.
  void (*take_left_row)(int32_t dtype, const uint8_t* row, int32_t depth, uint8_t* out);

  /// At most 16 columns of a right panel from rows of x, `stride` apart; `out` is the first tile. Missing columns and
  /// the rest of the last step are zeros.
  void (*split_right_columns)(const float* x, int64_t stride, int32_t columns, int32_t depth, int32_t parts,
                              uint8_t* out);

  /// Two neighbouring rows of one step of right panels that lie panel_bytes apart; `columns` is a multiple of
  /// kPanelRows, and `out` the place of the pair in the first panel's first tile.
  void (*split_right_rows)(const float* even, const float* odd, int32_t columns, int32_t parts, int64_t panel_bytes,
                           uint8_t* out);

  /// The same, in one part, from rows of BF16 or F16 and any number of columns; behind them are zeros to the end of
  /// their panel. A row that is NULL stands for zeros.
  void (*take_right_rows)(int32_t dtype, const uint8_t* even, const uint8_t* odd, int32_t columns, int64_t panel_bytes,
                          uint8_t* out);

  /// block += left right over `steps` steps, without the products of parts that are below the last part's rounding.
  /// Parts of left and right: 1 and 1, and on matrix registers also 2 and 2, 1 and 2, 2 and 1, 3 and 2, 3 and 3. The
  /// block is in four tiles of F32: its upper left, upper right, lower left and lower right quarter. What is ahead is
  /// brought to L2 meanwhile; on matrix registers it is one piece, of as many whole lines for each step.
  void (*multiply)(const uint8_t* left, int32_t left_parts, const uint8_t* right, int32_t right_parts, int32_t steps,
                   float* block, const Ahead& ahead);

  /// y += the first rows and columns of a block, rows of y `stride` apart.
  void (*add_block)(const float* block, int32_t rows, int32_t columns, float* y, int64_t stride);
  /// The same for the transposed block; rows and columns are those of y.
  void (*add_block_transposed)(const float* block, int32_t rows, int32_t columns, float* y, int64_t stride);

  /// Products in digits on the same registers (tiles_digits.h); NULL without.
  const DigitTileKernels* digits;
};

#if defined(__x86_64__)
/// Intel's AMX with bfloat16, beside AVX-512 with its bfloat16 conversions.
const TileKernels& AmxTiles();
/// Vectors of AVX-512 with products of bfloat16.
const TileKernels& Avx512Bf16Tiles();
#endif

}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_TILES_H_
