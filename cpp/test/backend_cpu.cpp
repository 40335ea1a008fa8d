// The CPU library: its memory is the test's own. COREINFER_SIMD names the instruction set that must be in use,
// COREINFER_TEST_ACTIVATION_BITS how exactly vectors are split, and COREINFER_TEST_BLAS an OpenBLAS library that all
// tests run with once more.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend.h"
#include "coreinfer/host.h"
#include "harness.h"
#include "reference.h"

namespace coreinfer_test {
namespace {

int32_t ActivationBits() {
  const char* bits = std::getenv("COREINFER_TEST_ACTIVATION_BITS");
  return bits == nullptr ? 16 : std::atoi(bits);
}

// Whether one of these instruction sets is in use.
bool Uses(std::initializer_list<const char*> sets) {
  const std::string description = ci_context_description(Contexts()[0]);
  return std::any_of(sets.begin(), sets.end(), [&](const char* set) {
    return description.find(std::string(" ") + set + ",") != std::string::npos;
  });
}

bool IsQuantised(int32_t dtype) { return dtype != CI_F32 && dtype != CI_F16 && dtype != CI_BF16; }

int32_t Create(int32_t threads, ci_address* address) {
  const int32_t bits = ActivationBits();
  return bits == 16 ? ci_context_create(threads, address) : ci_host_context_create(threads, bits, address);
}

}  // namespace

std::string WhyNot() {
  const char* wanted = std::getenv("COREINFER_SIMD");
  ci_address address = 0;
  CHECK_OK(Create(1, &address));
  auto* const context = reinterpret_cast<ci_context*>(address);
  const std::string description = ci_context_description(context);
  ci_context_destroy(context);
  if (wanted == nullptr || description.find(std::string(wanted) + ",") != std::string::npos) return "";
  return std::string("this processor lacks ") + wanted;
}

std::vector<ci_context*> MakeContexts() {
  std::vector<ci_context*> made;
  for (const int32_t threads : {1, 2, 3, 7}) {
    ci_address address = 0;
    CHECK_OK(Create(threads, &address));
    made.push_back(reinterpret_cast<ci_context*>(address));
  }
  return made;
}

void DestroyContexts(const std::vector<ci_context*>& contexts) {
  for (ci_context* context : contexts) ci_context_destroy(context);
}

void RunInOtherWays(const std::function<void()>& run) {
  const char* blas = std::getenv("COREINFER_TEST_BLAS");
  if (blas == nullptr || blas[0] == '\0') {
    return Skip("the products of a BLAS, because COREINFER_TEST_BLAS names no OpenBLAS library");
  }
  std::printf("with %s\n", blas);
  CHECK_OK(ci_host_use_blas(reinterpret_cast<const uint8_t*>(blas)));
  run();
}

bool Computes(int32_t) { return true; }

// With 16 bits matrix registers take two parts of bfloat16 of each operand where weights are F16 or BF16: either
// rounding is at most 2^-17 of a term, and the product of the second parts, which is left out, 2^-16. Three parts,
// which F32 weights get, are as exact as F32.
double ProductTolerance(int32_t dtype) {
  const bool has_two_parts = Uses({"amx"}) && ActivationBits() == 16 && (dtype == CI_F16 || dtype == CI_BF16);
  return kDotTolerance + (has_two_parts ? 0x1p-15 : 2 * PrefillRounding(dtype));
}

// One or two digits of eight bits (simd/digits.inl).
double VectorRounding(int32_t dtype) {
  const bool has_digits = Uses({"amx", "avx512bf16", "avx512vnni", "avxvnni", "avx2"});
  return has_digits && IsQuantised(dtype) ? std::ldexp(1.0, -ActivationBits()) : 0.0;
}

// Of products of bfloat16 with 8 bits, either operand is off by this at most. Else matrix registers take digits of both
// operands, whose steps many elements have in common (simd/tiles_digits.h), others the vectors' digits of decode where
// rows are packed.
double PrefillRounding(int32_t dtype) {
  const bool is_plain = dtype == CI_F16 || dtype == CI_BF16;
  const bool has_one_part = Uses({"avx512bf16"}) ? is_plain : Uses({"amx"}) && dtype != CI_F32;
  if (has_one_part && ActivationBits() == 8) return 0x1p-9;
  if (Uses({"amx"})) return IsQuantised(dtype) ? 0x1p-15 : 0.0;
  return VectorRounding(dtype);
}

int32_t Repetitions() { return 4; }

#ifdef __SANITIZE_ADDRESS__
int32_t Slowness() { return 4; }
#else
int32_t Slowness() { return 1; }
#endif

// Weights are read from mapped files, where they start anywhere.
void* Allocate(int64_t bytes, const void* host, bool weights) {
  uint8_t* memory = new uint8_t[static_cast<size_t>(bytes) + (weights ? 1 : 0)] + (weights ? 1 : 0);
  if (bytes > 0) std::memcpy(memory, host, static_cast<size_t>(bytes));
  return memory;
}

void Free(void* memory, int64_t, bool weights) { delete[](static_cast<uint8_t*>(memory) - (weights ? 1 : 0)); }

void Download(ci_context*, const void* memory, int64_t bytes, void* host) {
  if (bytes > 0) std::memcpy(host, memory, static_cast<size_t>(bytes));
}

std::vector<uint8_t> Arrange(int32_t, int32_t, int32_t, const std::vector<uint8_t>& file) { return file; }

std::vector<uint8_t> Restore(int32_t, int32_t, int32_t, const std::vector<uint8_t>& arranged) { return arranged; }

}  // namespace coreinfer_test
