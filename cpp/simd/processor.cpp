// Instructions that not every compiler can ask the processor for, and AMX, whose registers are so large that Linux
// gives them only to processes that ask.
#include "simd/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coreinfer {
namespace {

// Of Linux: arch_prctl's request, and the number of the tiles' data among the parts of a thread's state.
constexpr long kRequestPermission = 0x1023;
constexpr long kTileData = 18;

struct Registers {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
};

// What CPUID says of the extensions; zeros where it doesn't know the leaf.
Registers Extensions(unsigned subleaf) {
  Registers r;
  if (__get_cpuid_count(7, subleaf, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

bool HasBit(unsigned bits, int bit) { return (bits >> bit & 1) != 0; }

bool HasAmx() {
  const unsigned bits = Extensions(0).d;
  return HasBit(bits, 22) && HasBit(bits, 24) && HasBit(bits, 25);  // bfloat16, tiles at all, bytes
}

}  // namespace

// Intel's fetch too little ahead of products: a sixth to a third of the speed was lost on a Xeon. AMD's do better
// alone.
int64_t StreamAhead() {
  constexpr int64_t kAhead = 8192;
  return __builtin_cpu_is("intel") ? kAhead : 0;
}

bool HasAvxVnni() { return HasBit(Extensions(1).a, 4); }

bool HasAvx512Bf16() { return HasBit(Extensions(1).a, 5); }

bool RequestAmx() { return HasAmx() && HasAvx512Bf16() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0; }

}  // namespace coreinfer

#else

int64_t coreinfer::StreamAhead() { return 0; }

#endif
