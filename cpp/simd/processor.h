// What this processor has, beyond what __builtin_cpu_supports of every compiler tells.
#ifndef COREINFER_CPP_SIMD_PROCESSOR_H_
#define COREINFER_CPP_SIMD_PROCESSOR_H_

#if defined(__x86_64__)
namespace coreinfer {

/// Products of bytes in vectors of 256 bits, without AVX-512.
bool HasAvxVnni();

/// Products of bfloat16 in vectors, and conversions to it.
bool HasAvx512Bf16();

/// Whether processor and operating system have AMX with bfloat16, and the conversions that its tiles need; asks the
/// system to let this process use it.
bool RequestAmx();

}  // namespace coreinfer
#endif

#endif  // COREINFER_CPP_SIMD_PROCESSOR_H_
