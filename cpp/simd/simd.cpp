// Chooses the table of inner loops, once, from what the processor and the operating system support.
#include "simd/simd.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace coreinfer {
namespace {

struct Choice {
  const SimdKernels* best;
  const SimdKernels* chosen;
  char note[160] = "";

  Choice() : best(&PortableKernels()) {
    const SimdKernels* supported[4] = {best, nullptr, nullptr, nullptr};
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
      supported[1] = best = &Avx2Kernels();
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
        supported[2] = best = &Avx512Kernels();
        if (__builtin_cpu_supports("avx512vnni")) supported[3] = best = &Avx512VnniKernels();
      }
    }
#endif
    chosen = best;
    const char* wanted = std::getenv("COREINFER_SIMD");
    if (wanted == nullptr || wanted[0] == '\0') return;
    for (const SimdKernels* kernels : supported) {
      if (kernels != nullptr && std::strcmp(kernels->name, wanted) == 0) {
        chosen = kernels;
        return;
      }
    }
    std::snprintf(note, sizeof(note),
                  " (COREINFER_SIMD=%.16s is not available here; set portable, avx2, avx512 or avx512vnni)", wanted);
  }
};

const Choice& TheChoice() {
  static const Choice choice;
  return choice;
}

}  // namespace

const SimdKernels& ChosenKernels() { return *TheChoice().chosen; }

const char* ChoiceNote() { return TheChoice().note; }

const char* BestInstructionSet() { return TheChoice().best->name; }

}  // namespace coreinfer
