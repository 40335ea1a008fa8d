// integers_avx2.cpp with vectors of one digit.
#include "simd/vector_avx2.h"

#define COREINFER_SIMD_DIGITS 1
#define COREINFER_SIMD_NAMESPACE avx2
#define COREINFER_SIMD_TAKE TakeAvx2Bytes
#include "simd/integers.inl"
