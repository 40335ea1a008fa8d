// Chooses the tables of inner loops, once, from what the processor and the operating system support.
#include "simd/simd.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "simd/processor.h"
#include "simd/tiles.h"

namespace coreinfer {
namespace {

// An instruction set: its table of inner loops, the one for vectors of bytes, and those of its products of bfloat16, on
// matrix registers or in vectors, where it has them.
struct Level {
  const char* name;
  SimdKernels kernels;
  SimdKernels byte_kernels;
  const TileKernels* tiles = nullptr;
  const TileKernels* bf16_vectors = nullptr;
};

// Without products of bytes vectors stay as they are.
Level Floats(const char* name, const SimdKernels& kernels) { return {name, kernels, kernels}; }

Level WithIntegers(const char* name, const SimdKernels& floats, void (*take_integers)(SimdKernels*),
                   void (*take_bytes)(SimdKernels*)) {
  Level level = Floats(name, floats);
  take_integers(&level.kernels);
  take_bytes(&level.byte_kernels);
  return level;
}

struct Choice {
  const char* best;
  Level chosen;
  char note[192] = "";

  Choice() {
    std::vector<Level> supported;  // the best last
    supported.push_back(Floats("portable", PortableKernels()));
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
      supported.push_back(WithIntegers("avx2", Avx2Kernels(), TakeAvx2Integers, TakeAvx2Bytes));
      if (HasAvxVnni()) {
        supported.push_back(WithIntegers("avxvnni", Avx2Kernels(), TakeAvxVnniIntegers, TakeAvxVnniBytes));
      }
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
        supported.push_back(Floats("avx512", Avx512Kernels()));
        if (__builtin_cpu_supports("avx512vnni")) {
          Level vnni = WithIntegers("avx512vnni", Avx512Kernels(), TakeAvx512VnniIntegers, TakeAvx512VnniBytes);
          supported.push_back(vnni);
          if (HasAvx512Bf16()) {
            vnni.name = "avx512bf16";
            vnni.bf16_vectors = &Avx512Bf16Tiles();
            supported.push_back(vnni);
          }
          if (RequestAmx()) {
            vnni.name = "amx";
            vnni.bf16_vectors = nullptr;
            vnni.tiles = &AmxTiles();
            supported.push_back(vnni);
          }
        }
      }
    }
#endif
    chosen = supported.back();
    best = chosen.name;
    const char* wanted = std::getenv("COREINFER_SIMD");
    if (wanted == nullptr || wanted[0] == '\0') return;
    for (const Level& level : supported) {
      if (std::strcmp(level.name, wanted) == 0) {
        chosen = level;
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
  return activation_bits == 8 ? chosen.byte_kernels : chosen.kernels;
}

const TileKernels* ChosenTiles() { return TheChoice().chosen.tiles; }

const TileKernels* ChosenBf16Vectors() { return TheChoice().chosen.bf16_vectors; }

const char* ChosenInstructionSet() { return TheChoice().chosen.name; }

const char* ChoiceNote() { return TheChoice().note; }

const char* BestInstructionSet() { return TheChoice().best; }

}  // namespace coreinfer
