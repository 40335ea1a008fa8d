// Weight matrices whose dtype, shape and address have been checked.
#ifndef COREINFER_CPP_DTYPE_H_
#define COREINFER_CPP_DTYPE_H_

#include <cstdint>

#include "simd/simd.h"

namespace coreinfer {

constexpr int32_t kGroupSize = 32;

/// Whether rows consist of groups of 32 elements.
bool IsGrouped(int32_t dtype);

/// Whether groups of 32 rows share their scales.
bool IsShared(int32_t dtype);

/// Bytes of a row; for the shared dtypes, of its share of a group.
int64_t RowBytes(int32_t dtype, int32_t columns);

/// Requires a known dtype that is not shared, a positive shape that fits it, and an address.
Matrix RequireMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns);

/// The same, shared dtypes included.
Matrix RequireAnyMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns);

/// The weights themselves when they are F32 at an address that float loads may use, NULL otherwise.
const float* PlainFloats(const Matrix& matrix);

}  // namespace coreinfer

#endif  // COREINFER_CPP_DTYPE_H_
