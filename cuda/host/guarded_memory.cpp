// See guarded_memory.h.
#include "guarded_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "simt.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace simt {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kMargin = 0;
#else
constexpr size_t kMargin = 256;
#endif
constexpr size_t kAlignment = 256;
constexpr uint8_t kCanary = 0xa5;

bool IsIntact(const uint8_t* margin) {
  return std::all_of(margin, margin + kMargin, [](uint8_t byte) { return byte == kCanary; });
}

}  // namespace

uint8_t* AllocateGuarded(size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes + 2 * kMargin) != 0) return nullptr;
  uint8_t* data = static_cast<uint8_t*>(memory) + kMargin;
  std::memset(data - kMargin, kCanary, kMargin);
  std::memset(data, kPoison, bytes);
  std::memset(data + bytes, kCanary, kMargin);
  return data;
}

void FreeGuarded(uint8_t* memory, size_t bytes, const char* what) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(memory, bytes);
#endif
  if (!IsIntact(memory - kMargin) || !IsIntact(memory + bytes)) {
    Violation("a kernel wrote outside the %zu bytes of %s", bytes, what);
  }
  std::free(memory - kMargin);
}

}  // namespace simt
