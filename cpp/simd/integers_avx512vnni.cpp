// Products of bytes for AVX-512 with VNNI.
#include "simd/vector_avx512.h"

#define COREINFER_SIMD_NAMESPACE avx512
#define COREINFER_SIMD_TAKE TakeAvx512VnniIntegers
#include "simd/integers.inl"
