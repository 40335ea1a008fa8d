// The sentence of the last failure lives in a fixed thread-local buffer, so that reporting needs no memory.
#include "check.h"

#include <cstdarg>
#include <cstdio>

#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

thread_local char error_message[512] = "";

}  // namespace

void Fail(int32_t status, const char* format, ...) {
  Failure failure{status, {}};
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(failure.text, sizeof(failure.text), format, arguments);
  va_end(arguments);
  throw failure;
}

void RequirePointer(const char* name, const void* pointer) {
  if (pointer == nullptr) Fail(CI_INVALID_ARGUMENT, "%s is null", name);
}

void RequireRange(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    Fail(CI_INVALID_ARGUMENT, "%s is out of range: %s=%lld, allowed %lld..%lld", name, name,
         static_cast<long long>(value), static_cast<long long>(low), static_cast<long long>(high));
  }
}

void RequirePositive(const char* name, int64_t value) {
  if (value < 1) {
    Fail(CI_INVALID_ARGUMENT, "%s must be at least 1: %s=%lld", name, name, static_cast<long long>(value));
  }
}

int64_t RequireProduct(const char* name, std::initializer_list<int64_t> factors) {
  constexpr int64_t kLargest = int64_t{1} << 62;
  int64_t product = 1;
  for (const int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product) || product > kLargest) {
      Fail(CI_INVALID_ARGUMENT, "the shape of %s is too large to address", name);
    }
  }
  return product;
}

void RequireArray(const char* name, const void* pointer, std::initializer_list<int64_t> shape) {
  RequirePointer(name, pointer);
  for (const int64_t size : shape) {
    if (size < 1) {
      Fail(CI_INVALID_ARGUMENT, "a size of %s must be at least 1: got %lld", name, static_cast<long long>(size));
    }
  }
  // The widest element has 4 bytes.
  if (RequireProduct(name, shape) > (int64_t{1} << 60)) {
    Fail(CI_INVALID_ARGUMENT, "the shape of %s is too large to address", name);
  }
}

void SetErrorMessage(const char* function, const char* text) {
  std::snprintf(error_message, sizeof(error_message), "%s: %s", function, text);
}

}  // namespace coreinfer

const char* ci_error_message(void) { return coreinfer::error_message; }
