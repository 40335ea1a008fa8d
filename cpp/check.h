// Failures inside the library: an exception with a sentence, argument checks that throw it, and the wrapper of every
// public function, which turns whatever was thrown into a status code and keeps the sentence for the calling thread.
#ifndef COREINFER_CPP_CHECK_H_
#define COREINFER_CPP_CHECK_H_

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <new>

#include "coreinfer/types.h"

namespace coreinfer {

struct Failure {
  int32_t status;
  char text[400];
};

/// Throws a Failure with a printf-style sentence.
[[noreturn]] void Fail(int32_t status, const char* format, ...) __attribute__((format(printf, 2, 3)));

void RequirePointer(const char* name, const void* pointer);

/// Requires low <= value <= high.
void RequireRange(const char* name, int64_t value, int64_t low, int64_t high);

/// Requires value >= 1.
void RequirePositive(const char* name, int64_t value);

/// The product of non-negative factors, at most 2^62.
int64_t RequireProduct(const char* name, std::initializer_list<int64_t> factors);

/// Requires the factors to be positive, the address to be non-null and the shape to be addressable.
void RequireArray(const char* name, const void* pointer, std::initializer_list<int64_t> shape);

/// Keeps "function: text" as the calling thread's message.
void SetErrorMessage(const char* function, const char* text);

template <class Body>
int32_t Guard(const char* function, const Body& body) noexcept {
  try {
    body();
    return CI_OK;
  } catch (const Failure& failure) {
    SetErrorMessage(function, failure.text);
    return failure.status;
  } catch (const std::bad_alloc&) {
    SetErrorMessage(function, "out of host memory");
    return CI_OUT_OF_MEMORY;
  } catch (const std::exception& exception) {
    SetErrorMessage(function, exception.what());
    return CI_INTERNAL_ERROR;
  } catch (...) {
    SetErrorMessage(function, "unknown exception");
    return CI_INTERNAL_ERROR;
  }
}

}  // namespace coreinfer

#endif  // COREINFER_CPP_CHECK_H_
