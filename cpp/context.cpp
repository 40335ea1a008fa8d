// A context: its threads, scratch memory and description. Creating one starts the threads; they sleep between calls.
#include "context.h"

#include <cstdio>
#include <memory>

#include "coreinfer/kernels.h"

ci_context::ci_context(int32_t threads)
    : pool(threads), simd(coreinfer::ChosenKernels()), tiles(coreinfer::ChosenTiles()) {
  std::snprintf(description, sizeof(description), "CPU, %s, %d thread%s%s", coreinfer::ChosenInstructionSet(), threads,
                threads == 1 ? "" : "s", coreinfer::ChoiceNote());
}

int32_t ci_context_create(int32_t threads, ci_address* context) {
  return coreinfer::Guard("ci_context_create", [&] {
    coreinfer::RequirePointer("context", context);
    coreinfer::RequireRange("threads", threads, 1, 1024);
    *context = static_cast<ci_address>(reinterpret_cast<intptr_t>(std::make_unique<ci_context>(threads).release()));
  });
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
