// A weight matrix in device memory, as types.h lays it out there: the elements of all rows, then the scales.
#ifndef COREINFER_CUDA_MATRIX_H_
#define COREINFER_CUDA_MATRIX_H_

#include <cstdint>

#include "check.h"
#include "device.h"
#include "device_dtype.h"
#include "dtype.h"

namespace coreinfer {

struct DeviceMatrix {
  const uint8_t* q;  // (rows, columns) elements; null for a matrix that a layer lacks
  const uint8_t* d;  // f16 scales: (rows, columns / 32), or (rows / 32, columns) where rows share them
  int32_t dtype;
  int32_t rows;
  int32_t columns;
};

/// Whether groups of 32 rows share their scales. IsShared for kernels.
__host__ __device__ constexpr bool HasSharedScales(int32_t dtype) {
  return dtype == CI_Q8_0_SHARED || dtype == CI_Q4_0_SHARED;
}

/// Bytes of a row without its scales.
__host__ __device__ __forceinline__ int64_t ElementBytes(int32_t dtype, int32_t columns) {
  const int64_t elements = columns;
  switch (dtype) {
    case CI_F32:
      return 4 * elements;
    case CI_F16:
    case CI_BF16:
      return 2 * elements;
    case CI_Q8_0:
    case CI_Q8_0_SHARED:
      return elements;
    default:
      return elements / 2;
  }
}

/// Bytes of the scales that a row has for itself, or that a group of 32 rows shares.
__host__ __device__ __forceinline__ int64_t ScaleBytes(int32_t dtype, int32_t columns) {
  const int64_t elements = columns;
  if (dtype < CI_Q8_0) return 0;
  return HasSharedScales(dtype) ? elements * 2 : elements / 16;
}

/// Rows that lie as `dtype` says at `data`, which may be null.
inline DeviceMatrix ViewOf(int32_t dtype, const void* data, int32_t rows, int32_t columns) {
  const auto* q = static_cast<const uint8_t*>(data);
  const uint8_t* d = q == nullptr ? nullptr : q + rows * ElementBytes(dtype, columns);
  return DeviceMatrix{q, d, dtype, rows, columns};
}

/// Requires an address where elements of the matrix can be loaded: grouped dtypes are read in pieces only.
inline void RequireAlignment(const char* name, const DeviceMatrix& matrix) {
  const int bytes = IsGrouped(matrix.dtype) ? 16 : matrix.dtype == CI_F32 ? 4 : 2;
  if (!IsAligned(matrix.q, bytes)) {
    Fail(CI_INVALID_ARGUMENT, "%s must be aligned to %d bytes: dtype=%d %s=%p", name, bytes, matrix.dtype, name,
         static_cast<const void*>(matrix.q));
  }
}

/// Requires a known dtype that is not shared, a positive shape that fits it, and an aligned address.
inline DeviceMatrix RequireDeviceMatrix(const char* name, int32_t dtype, const void* data, int32_t rows,
                                        int32_t columns) {
  RequireDeviceDtype(name, dtype);
  RequireMatrix(name, dtype, data, rows, columns);
  const DeviceMatrix matrix = ViewOf(dtype, data, rows, columns);
  RequireAlignment(name, matrix);
  return matrix;
}

/// The same, shared dtypes included.
inline DeviceMatrix RequireAnyDeviceMatrix(const char* name, int32_t dtype, const void* data, int32_t rows,
                                           int32_t columns) {
  RequireDeviceDtype(name, dtype);
  RequireAnyMatrix(name, dtype, data, rows, columns);
  const DeviceMatrix matrix = ViewOf(dtype, data, rows, columns);
  RequireAlignment(name, matrix);
  return matrix;
}

/// Whether rows can be read in aligned pieces of 8 columns (rows.h). Only F32, F16 and BF16 may lack it.
inline bool HasAlignedOctets(const DeviceMatrix& matrix) { return matrix.columns % 8 == 0 && IsAligned(matrix.q, 16); }

/// Whether rows can be streamed (stream.h): their scales, two at a time, are aligned too.
inline bool CanStream(const DeviceMatrix& matrix) {
  return HasAlignedOctets(matrix) && (!IsGrouped(matrix.dtype) || matrix.columns % 64 == 0);
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_MATRIX_H_
