// Products of bytes for AVX2.
#include "simd/vector_avx2.h"

#define COREINFER_SIMD_NAMESPACE avx2
#define COREINFER_SIMD_TAKE TakeAvx2Integers
#include "simd/integers.inl"
