// Chooses the tables of inner loops, once, from what the processor and the operating system support.
#include "simd/simd.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "simd/processor.h"
#include "simd/tiles.h"

namespace coreinfer {
namespace {

// An instruction set: its table of inner loops, the one for vectors of bytes, and those of its products of bfloat16, on
// matrix registers or in vectors, where it has them.
struct Level {
  const char* name;
  const SimdKernels* kernels;
  const SimdKernels* byte_kernels;
  const TileKernels* tiles;
  const TileKernels* bf16_vectors;
};

Level Vectors(const SimdKernels& kernels, const SimdKernels& byte_kernels) {
  return {kernels.name, &kernels, &byte_kernels, nullptr, nullptr};
}

struct Choice {
  Level best;
  Level chosen;
  char note[192] = "";

  Choice() {
    Level supported[7];  // the best last
    int count = 0;
    const auto add = [&](const Level& level) { supported[count++] = best = level; };
    add(Vectors(PortableKernels(), PortableKernels()));
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
      add(Vectors(Avx2Kernels(), Avx2ByteKernels()));
      if (HasAvxVnni()) add(Vectors(AvxVnniKernels(), AvxVnniByteKernels()));
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
        add(Vectors(Avx512Kernels(), Avx512Kernels()));
        if (__builtin_cpu_supports("avx512vnni")) {
          const Level vnni = Vectors(Avx512VnniKernels(), Avx512VnniByteKernels());
          add(vnni);
          if (HasAvx512Bf16()) {
            add({"avx512bf16", vnni.kernels, vnni.byte_kernels, nullptr, &Avx512Bf16Tiles()});
          }
          if (RequestAmx()) add({"amx", vnni.kernels, vnni.byte_kernels, &AmxTiles(), nullptr});
        }
      }
    }
#endif
    chosen = best;
    const char* wanted = std::getenv("COREINFER_SIMD");
    if (wanted == nullptr || wanted[0] == '\0') return;
    for (int i = 0; i < count; ++i) {
      if (std::strcmp(supported[i].name, wanted) == 0) {
        chosen = supported[i];
        return;
      }
    }
    std::snprintf(note, sizeof(note),
                  " (COREINFER_SIMD=%.16s is not available here; set portable, avx2, avxvnni, avx512, avx512vnni, "
                  "avx512bf16 or amx)",
                  wanted);
  }
};

const Choice& TheChoice() {
  static const Choice choice;
  return choice;
}

}  // namespace

const SimdKernels& ChosenKernels(int32_t activation_bits) {
  const Level& chosen = TheChoice().chosen;
  return activation_bits == 8 ? *chosen.byte_kernels : *chosen.kernels;
}

const TileKernels* ChosenTiles() { return TheChoice().chosen.tiles; }

const TileKernels* ChosenBf16Vectors() { return TheChoice().chosen.bf16_vectors; }

const char* ChosenInstructionSet() { return TheChoice().chosen.name; }

const char* ChoiceNote() { return TheChoice().note; }

const char* BestInstructionSet() { return TheChoice().best.name; }

}  // namespace coreinfer
