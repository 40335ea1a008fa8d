// integers_avx512vnni.cpp with vectors of one digit.
#include "simd/vector_avx512.h"

#define COREINFER_SIMD_DIGITS 1
#define COREINFER_SIMD_NAMESPACE avx512
#define COREINFER_SIMD_TAKE TakeAvx512VnniBytes
#include "simd/integers.inl"
