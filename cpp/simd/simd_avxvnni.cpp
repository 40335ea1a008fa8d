// The inner loops for AVX2 with AVX-VNNI, which multiplies bytes by fours.
#include "simd/vector_avx2.h"

#define COREINFER_SIMD_NAMESPACE avx2
#define COREINFER_SIMD_TABLE AvxVnniKernels
#include "simd/kernels.inl"
