// Sizes and checks of the weight dtypes.
#include "dtype.h"

#include "check.h"

namespace coreinfer {
namespace {

struct Shape {
  int32_t block;             // elements of a row or, of a shared dtype, rows
  int32_t block_bytes;       // for each row, or for each column
  int32_t transposed;        // the dtype of a transposed down projection
  SharedLayout shared = {};  // of the dtypes that share scales between rows
};

// By dtype.
constexpr Shape kShapes[] = {
    {1, 4, CI_F32},
    {1, 2, CI_F16},
    {1, 2, CI_BF16},
    {32, 34, CI_Q8_0_SHARED},
    {32, 18, CI_Q4_0_SHARED},
    {32, 34, CI_Q8_0_SHARED, {32, 32, 2, 32}},
    {32, 18, CI_Q4_0_SHARED, {32, 32, 2, 16}},
    {32, 20, CI_Q4_1_SHARED},
    {32, 22, CI_Q5_0_SHARED},
    {32, 24, CI_Q5_1_SHARED},
    {256, 144, CI_Q4_K_SHARED},
    {256, 176, CI_Q5_K_SHARED},
    {256, 210, CI_Q6_K_SHARED},
    {32, 20, CI_Q4_1_SHARED, {32, 32, 4, 16}},
    {32, 22, CI_Q5_0_SHARED, {32, 32, 2, 20}},
    {32, 24, CI_Q5_1_SHARED, {32, 32, 4, 20}},
    {256, 144, CI_Q4_K_SHARED, {256, 32, 16, 16}},
    {256, 176, CI_Q5_K_SHARED, {256, 32, 16, 20}},
    {256, 210, CI_Q6_K_SHARED, {256, 16, 18, 24}},
};
constexpr int32_t kDtypes = sizeof(kShapes) / sizeof(kShapes[0]);
static_assert(kDtypes == CI_Q6_K_SHARED + 1);

}  // namespace

bool IsGrouped(int32_t dtype) { return kShapes[dtype].block > 1; }

bool IsShared(int32_t dtype) { return kShapes[dtype].shared.rows > 0; }

int32_t TransposedDtype(int32_t dtype) { return kShapes[dtype].transposed; }

int32_t BlockSize(int32_t dtype) { return kShapes[dtype].block; }

int64_t RowBytes(int32_t dtype, int32_t columns) {
  const Shape& shape = kShapes[dtype];
  return int64_t{columns} * shape.block_bytes / shape.block;
}

SharedLayout SharedLayoutOf(int32_t dtype) { return kShapes[dtype].shared; }

Matrix RequireMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns) {
  const Matrix matrix = RequireAnyMatrix(name, dtype, data, rows, columns);
  if (IsShared(dtype)) {
    Fail(CI_UNSUPPORTED, "%s cannot have a dtype with shared scales: dtype=%d", name, dtype);
  }
  return matrix;
}

Matrix RequireAnyMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns) {
  if (dtype < CI_F32 || dtype >= kDtypes) {
    Fail(CI_INVALID_ARGUMENT, "%s has an unknown dtype: dtype=%d", name, dtype);
  }
  RequireArray(name, data, {rows, columns});
  const int32_t in_row = IsShared(dtype) ? kGroupSize : BlockSize(dtype);
  if (columns % in_row != 0) {
    Fail(CI_INVALID_ARGUMENT, "a row of %s must have a multiple of %d elements: dtype=%d columns=%d", name, in_row,
         dtype, columns);
  }
  if (IsShared(dtype) && rows % BlockSize(dtype) != 0) {
    Fail(CI_INVALID_ARGUMENT, "%s must have a multiple of %d rows: dtype=%d rows=%d", name, BlockSize(dtype), dtype,
         rows);
  }
  return Matrix{static_cast<const uint8_t*>(data), IsShared(dtype) ? 0 : RowBytes(dtype, columns), dtype, rows,
                columns};
}

const float* PlainFloats(const Matrix& matrix) {
  if (matrix.dtype != CI_F32 || reinterpret_cast<uintptr_t>(matrix.data) % alignof(float) != 0) return nullptr;
  return reinterpret_cast<const float*>(matrix.data);
}

}  // namespace coreinfer
