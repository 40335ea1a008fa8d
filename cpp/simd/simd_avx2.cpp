// The inner loops for AVX2, FMA and F16C; this file alone is compiled for them, and only its table is visible outside.
#include "simd/vector_avx2.h"

#define COREINFER_SIMD_NAMESPACE avx2
#define COREINFER_SIMD_TABLE Avx2Kernels
#include "simd/kernels.inl"
