// A small test harness: tests register themselves, checks count failures and go on. A skipped test says why. Functions
// under test get their data in Arrays, which lie in the backend's memory.
#ifndef COREINFER_CPP_TEST_HARNESS_H_
#define COREINFER_CPP_TEST_HARNESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backend.h"
#include "coreinfer/kernels.h"

namespace coreinfer_test {

using TestFunction = void (*)();

/// Adds a test to the list; its result is only there for static initialisation.
bool Register(const char* name, TestFunction function);

void Check(bool holds, const std::string& what, const char* file, int line);

/// |got - want| <= tolerance * scale for every element, where scale bounds the sum that the element is.
void CheckClose(const std::vector<float>& got, const std::vector<double>& want, const std::vector<double>& scale,
                double tolerance, const std::string& what, const char* file, int line);

/// Bit for bit.
void CheckSame(const std::vector<float>& got, const std::vector<float>& want, const std::string& what, const char* file,
               int line);

/// The status is `status` and the message contains `words`.
void CheckFails(int32_t got, int32_t status, const std::string& words, const char* file, int line);

void CheckOk(int32_t status, const char* file, int line);

void Skip(const std::string& why);

/// The backend's contexts, made once.
const std::vector<ci_context*>& Contexts();

/// Those that every computation is repeated on: fewer where the backend is slow.
const std::vector<ci_context*>& RepeatedContexts();

/// Values on the host, and a copy of them in the backend's memory.
template <class T>
class Array {
 public:
  explicit Array(std::vector<T> values)
      : values_(std::move(values)), memory_(static_cast<T*>(Allocate(bytes(), values_.data(), false))) {}
  Array(Array&& other) noexcept : values_(std::move(other.values_)), memory_(std::exchange(other.memory_, nullptr)) {}
  Array& operator=(Array&&) = delete;
  ~Array() {
    if (memory_ != nullptr) Free(memory_, bytes(), false);
  }

  /// The address for the backend.
  T* data() const { return memory_; }

  const std::vector<T>& values() const { return values_; }
  const T& operator[](size_t index) const { return values_[index]; }
  size_t size() const { return values_.size(); }

  /// The values that work on `context` left in the backend's memory.
  const std::vector<T>& Fetch(ci_context* context) {
    Download(context, memory_, bytes(), values_.data());
    return values_;
  }

 private:
  int64_t bytes() const { return static_cast<int64_t>(values_.size() * sizeof(T)); }

  std::vector<T> values_;
  T* memory_;
};

/// Arrays of one value: what a function reads from memory.
inline Array<int32_t> One(int32_t value) { return Array<int32_t>({value}); }

/// Calls compute(context, y) on a copy of `start` for all repeated contexts, checks that all results are the same bits,
/// and returns the result.
std::vector<float> OnEveryContext(const std::vector<float>& start, const std::string& what,
                                  const std::function<int32_t(ci_context*, float*)>& compute);

}  // namespace coreinfer_test

#define TEST(name)                                                                              \
  static void name();                                                                           \
  [[maybe_unused]] static const bool name##_registered = coreinfer_test::Register(#name, name); \
  static void name()
#define CHECK(condition) coreinfer_test::Check((condition), #condition, __FILE__, __LINE__)
#define CHECK_OK(call) coreinfer_test::CheckOk((call), __FILE__, __LINE__)
#define CHECK_FAILS(call, status, words) coreinfer_test::CheckFails((call), (status), (words), __FILE__, __LINE__)
#define CHECK_CLOSE(got, want, scale, tolerance, what) \
  coreinfer_test::CheckClose((got), (want), (scale), (tolerance), (what), __FILE__, __LINE__)
#define CHECK_SAME(got, want, what) coreinfer_test::CheckSame((got), (want), (what), __FILE__, __LINE__)

#endif  // COREINFER_CPP_TEST_HARNESS_H_
