// The inner loops for AVX-512 with VNNI; this file alone is compiled for it, and only its table is visible outside.
#include "simd/vector_avx512.h"

#define COREINFER_SIMD_NAMESPACE avx512
#define COREINFER_SIMD_TABLE Avx512VnniKernels
#include "simd/kernels.inl"
