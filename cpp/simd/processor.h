// What this processor has, beyond what __builtin_cpu_supports of every compiler tells.
#ifndef COREINFER_CPP_SIMD_PROCESSOR_H_
#define COREINFER_CPP_SIMD_PROCESSOR_H_

#include <stdint.h>

namespace coreinfer {

/// Bytes before which a long stream of memory is best fetched; 0 where the processor's own prefetching does better
/// alone.
int64_t StreamAhead();

#if defined(__x86_64__)
/// Products of bytes in vectors of 256 bits, without AVX-512.
bool HasAvxVnni();

/// Products of bfloat16 in vectors, and conversions to it.
bool HasAvx512Bf16();

/// Whether processor and operating system have AMX with bfloat16, and the conversions that its tiles need; asks the
/// system to let this process use it.
bool RequestAmx();
#endif

}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_PROCESSOR_H_
