// Whether the processor multiplies bfloat16 (compilers differ in whether they can ask), and whether this process may
// use AMX. Its registers are so large that Linux gives them only to processes that ask.
#include "simd/tiles.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coreinfer {
namespace {

// Of Linux: arch_prctl's request, and the number of the tiles' data among the parts of a thread's state.
constexpr long kRequestPermission = 0x1023;
constexpr long kTileData = 18;

bool ProcessorHasAmx() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kBf16 = 1u << 22;
  constexpr unsigned kTile = 1u << 24;
  if ((d & kBf16) == 0 || (d & kTile) == 0) return false;
  return HasAvx512Bf16();
}

}  // namespace

bool HasAvx512Bf16() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1u << 5) != 0;
}

bool RequestAmx() { return ProcessorHasAmx() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0; }

}  // namespace coreinfer
#endif
