// A context: its threads, scratch memory and description. Creating one starts the threads; they sleep between calls.
#include "context.h"

#include <cstdio>
#include <memory>

#include "coreinfer/host.h"
#include "coreinfer/kernels.h"
#include "simd/processor.h"

ci_context::ci_context(int32_t threads, int32_t bits)
    : pool(threads),
      simd(coreinfer::ChosenKernels(bits)),
      tiles(coreinfer::ChosenTiles()),
      bf16_vectors(coreinfer::ChosenBf16Vectors()),
      activation_bits(bits),
      stream_ahead(coreinfer::StreamAhead()) {
  std::snprintf(description, sizeof(description), "CPU, %s, %d thread%s%s%s", coreinfer::ChosenInstructionSet(),
                threads, threads == 1 ? "" : "s", bits == 8 ? ", 8-bit activations" : "", coreinfer::ChoiceNote());
}

namespace coreinfer {
namespace {

int32_t Create(const char* function, int32_t threads, int32_t activation_bits, ci_address* context) {
  return Guard(function, [&] {
    RequirePointer("context", context);
    RequireRange("threads", threads, 1, 1024);
    if (activation_bits != 8 && activation_bits != 16) {
      Fail(CI_INVALID_ARGUMENT, "activations have 8 or 16 bits: activation_bits=%d", activation_bits);
    }
    auto created = std::make_unique<ci_context>(threads, activation_bits);
    *context = static_cast<ci_address>(reinterpret_cast<intptr_t>(created.release()));
  });
}

}  // namespace
}  // namespace coreinfer

int32_t ci_context_create(int32_t threads, ci_address* context) {
  return coreinfer::Create("ci_context_create", threads, 16, context);
}

int32_t ci_host_context_create(int32_t threads, int32_t activation_bits, ci_address* context) {
  return coreinfer::Create("ci_host_context_create", threads, activation_bits, context);
}

int32_t ci_context_destroy(ci_context* context) {
  return coreinfer::Guard("ci_context_destroy", [&] { delete context; });
}

int32_t ci_context_synchronize(ci_context* context) {
  return coreinfer::Guard("ci_context_synchronize", [&] { coreinfer::RequirePointer("context", context); });
}

const char* ci_context_description(ci_context* context) {
  return context == nullptr ? "no context" : context->description;
}
