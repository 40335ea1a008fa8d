// Products of integers of 16 bits on a processor's matrix registers, which multiply bytes: an integer is 256 times an
// upper digit and a lower one, both signed. Each row of an operand, over a tile's depth, has a step that its elements
// are multiples of. Three of the four products of digits are computed. This header is included by code compiled for one
// processor: it must not define functions, which the linker could merge.
//
// Error: steps are the largest magnitude / 32639, so an element is off by at most 2^-16 of the largest of its row. What
// is left out, lower digits times lower digits, is about twice as much. For random vectors a result is off by 2^-13 of
// its size, where digits of decode (digits.inl) leave 2^-15, and 8 bits of each 32 elements 2^-7.
#ifndef COREINFER_CPP_SIMD_TILES_DIGITS_H_
#define COREINFER_CPP_SIMD_TILES_DIGITS_H_

#include <stdint.h>

#include "simd/tiles.h"

namespace coreinfer {

/// Panels are those of tiles.h, of other steps: this deep, the upper digits and the lower ones. Right tiles have four
/// elements of a column side by side.
constexpr int32_t kDigitStepDepth = 64;
constexpr int64_t kDigitStepBytes = 2 * kPartBytes;

/// Most elements of a row that share a step, and most columns of panels that are made together.
constexpr int32_t kDigitTileDepth = 512;
constexpr int32_t kMostDigitColumns = 256;

struct DigitTileKernels {
  /// One row of a left panel; `out` is its place in the first tile. Returns its step. The depth is padded with zeros to
  /// whole steps of panels.
  float (*split_left_row)(const float* x, int32_t depth, uint8_t* out);

  /// The first rows of a left panel from rows of Q8_0 or Q4_0, row_bytes apart, and their steps. Brings as many rows
  /// from `next` on to L1, if it isn't NULL.
  void (*take_left_rows)(int32_t dtype, const uint8_t* first, int64_t row_bytes, int32_t rows, int32_t depth,
                         const uint8_t* next, float* steps, uint8_t* panel);

  /// At most 16 columns of a right panel from rows of x, `stride` apart, and their steps; `out` is the first tile.
  /// Missing columns are zeros.
  void (*split_right_columns)(const float* x, int64_t stride, int32_t columns, int32_t depth, float* steps,
                              uint8_t* out);

  /// largest[i] = max(largest[i], |row[i]|), NaN before all others. `columns` is here and below a multiple of 32.
  void (*raise_largest)(const float* row, int32_t columns, float* largest);

  /// The same for scales of Q8_0_SHARED or Q4_0_SHARED times the largest magnitude of a code.
  void (*raise_largest_scaled)(int32_t dtype, const uint8_t* scales, int32_t columns, float* largest);

  /// From the largest magnitudes of columns their steps, and how many of them make 1.
  void (*steps_of)(const float* largest, int32_t columns, float* steps, float* per_one);

  /// Four rows, `stride` apart, of one step of right panels that lie panel_bytes apart; `out` is their place in the
  /// first panel's first tile.
  void (*split_right_rows)(const float* rows, int64_t stride, const float* per_one, int32_t columns,
                           int64_t panel_bytes, uint8_t* out);

  /// 32 rows, row_bytes apart, of Q8_0_SHARED or Q4_0_SHARED with these scales of the columns: half a step.
  void (*take_right_rows)(int32_t dtype, const uint8_t* scales, const uint8_t* rows, int64_t row_bytes,
                          const float* per_one, int32_t columns, int64_t panel_bytes, uint8_t* out);

  /// block += left right over `steps` steps of panels whose rows and columns have these steps. The block is in four
  /// tiles of F32, as in tiles.h; what is ahead is one piece.
  void (*multiply)(const uint8_t* left, const float* left_steps, const uint8_t* right, const float* right_steps,
                   int32_t steps, float* block, const Ahead& ahead);
};

#if defined(__x86_64__)
const DigitTileKernels& AmxDigitTiles();
#endif

}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_TILES_DIGITS_H_
