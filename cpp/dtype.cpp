// Sizes and checks of the weight dtypes.
#include "dtype.h"

#include "check.h"

namespace coreinfer {

bool IsGrouped(int32_t dtype) { return dtype >= CI_Q8_0 && dtype <= CI_Q4_0_SHARED; }

bool IsShared(int32_t dtype) { return dtype == CI_Q8_0_SHARED || dtype == CI_Q4_0_SHARED; }

int64_t RowBytes(int32_t dtype, int32_t columns) {
  const int64_t elements = columns;
  switch (dtype) {
    case CI_F32:
      return 4 * elements;
    case CI_F16:
    case CI_BF16:
      return 2 * elements;
    case CI_Q8_0:
    case CI_Q8_0_SHARED:
      return elements / kGroupSize * 34;
    default:
      return elements / kGroupSize * 18;
  }
}

Matrix RequireMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns) {
  if (IsShared(dtype)) {
    Fail(CI_UNSUPPORTED, "%s cannot have a dtype with shared scales: dtype=%d", name, dtype);
  }
  return RequireAnyMatrix(name, dtype, data, rows, columns);
}

Matrix RequireAnyMatrix(const char* name, int32_t dtype, const void* data, int32_t rows, int32_t columns) {
  if (dtype < CI_F32 || dtype > CI_Q4_0_SHARED) {
    Fail(CI_INVALID_ARGUMENT, "%s has an unknown dtype: dtype=%d", name, dtype);
  }
  RequireArray(name, data, {rows, columns});
  if (IsGrouped(dtype) && columns % kGroupSize != 0) {
    Fail(CI_INVALID_ARGUMENT, "a row of %s must have a multiple of 32 elements: dtype=%d columns=%d", name, dtype,
         columns);
  }
  if (IsShared(dtype) && rows % kGroupSize != 0) {
    Fail(CI_INVALID_ARGUMENT, "%s must have a multiple of 32 rows: dtype=%d rows=%d", name, dtype, rows);
  }
  return Matrix{static_cast<const uint8_t*>(data), IsShared(dtype) ? 0 : RowBytes(dtype, columns), dtype, rows,
                columns};
}

const float* PlainFloats(const Matrix& matrix) {
  if (matrix.dtype != CI_F32 || reinterpret_cast<uintptr_t>(matrix.data) % alignof(float) != 0) return nullptr;
  return reinterpret_cast<const float*>(matrix.data);
}

}  // namespace coreinfer
