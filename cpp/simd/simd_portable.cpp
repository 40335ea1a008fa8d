// The inner loops for any processor.
#include "simd/vector_portable.h"

#define COREINFER_SIMD_NAMESPACE portable
#define COREINFER_SIMD_TABLE PortableKernels
#include "simd/kernels.inl"
