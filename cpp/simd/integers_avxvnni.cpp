// Products of bytes for AVX2 with AVX-VNNI, which multiplies them by fours.
#include "simd/vector_avx2.h"

#define COREINFER_SIMD_NAMESPACE avx2
#define COREINFER_SIMD_TAKE TakeAvxVnniIntegers
#include "simd/integers.inl"
