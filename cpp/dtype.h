// Weight matrices whose dtype, shape and address have been checked.
#ifndef COREINFER_CPP_DTYPE_H_
#define COREINFER_CPP_DTYPE_H_

#include <cstdint>

#include "simd/simd.h"

namespace coreinfer {

/// Elements of a row that are read together: ranges of a row begin at a multiple of it.
constexpr int32_t kGroupSize = 32;

/// Whether elements have scales, of their group in a row or of their group of rows.
bool IsGrouped(int32_t dtype);

/// Whether groups of rows share their scales.
bool IsShared(int32_t dtype);

/// The dtype of a transposed down projection, for a dtype that is not shared.
int32_t TransposedDtype(int32_t dtype);

/// Elements of a row, or rows of a shared dtype, that make a block; 1 for plain elements.
int32_t BlockSize(int32_t dtype);

/// Bytes of a row; for the shared dtypes, of its share of a block.
int64_t RowBytes(int32_t dtype, int32_t columns);

/// Where a shared dtype keeps what; all 0 for the others.
struct SharedLayout {
  int32_t rows;          // of a block
  int32_t scale_rows;    // that have the same scales
  int32_t header_bytes;  // of a block, before its rows, for each column
  int32_t piece_bytes;   // of 32 elements of a row
};
SharedLayout SharedLayoutOf(int32_t dtype);

/// Requires a known dtype that is not shared, a positive shape that fits it, and an address.
Matrix RequireMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns);

/// The same, shared dtypes included.
Matrix RequireAnyMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns);

/// The weights themselves when they are F32 at an address that float loads may use, NULL otherwise.
const float* PlainFloats(const Matrix& matrix);

}  // namespace coreinfer

#endif  // COREINFER_CPP_DTYPE_H_
