// Memory for activations, caches and repacked weights. Large blocks are mapped at 2 MiB boundaries with transparent
// huge pages, because decoding reads gigabytes per token and would otherwise wait for the TLB; small ones come from
// malloc. None of these calls waits for a call that computes on the same context.
#include "memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "check.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kSmallPage = 4096;

int64_t RoundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

bool IsMapped(int64_t bytes) { return bytes >= kHugePage; }

// The end of a block is a huge page, too, if that is not much in comparison.
int64_t MappedSize(int64_t bytes) { return RoundUp(bytes, bytes >= 4 * kHugePage ? kHugePage : kSmallPage); }

[[noreturn]] void FailOutOfMemory(int64_t bytes) {
  Fail(CI_OUT_OF_MEMORY, "cannot allocate memory: bytes=%lld (%.1f GiB)", static_cast<long long>(bytes),
       static_cast<double>(bytes) / (1024.0 * 1024.0 * 1024.0));
}

void* MapHugePages(int64_t bytes) {
  if (bytes > (int64_t{1} << 62)) FailOutOfMemory(bytes);
  const int64_t size = MappedSize(bytes);
  void* mapped =
      mmap(nullptr, static_cast<size_t>(size + kHugePage), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) FailOutOfMemory(bytes);
  uint8_t* begin = static_cast<uint8_t*>(mapped);
  const int64_t before = (kHugePage - static_cast<int64_t>(reinterpret_cast<uintptr_t>(begin) % kHugePage)) % kHugePage;
  const int64_t after = kHugePage - before;
  if (before > 0) munmap(begin, static_cast<size_t>(before));
  if (after > 0) munmap(begin + before + size, static_cast<size_t>(after));
  madvise(begin + before, static_cast<size_t>(size), MADV_HUGEPAGE);
  return begin + before;
}

}  // namespace

void* AllocateZeroed(int64_t bytes) {
  if (IsMapped(bytes)) return MapHugePages(bytes);
  const int64_t size = RoundUp(bytes, kAlignment);
  void* memory = std::aligned_alloc(kAlignment, static_cast<size_t>(size));
  if (memory == nullptr) FailOutOfMemory(bytes);
  std::memset(memory, 0, static_cast<size_t>(size));
  return memory;
}

void FreeZeroed(void* memory, int64_t bytes) noexcept {
  if (memory == nullptr) return;
  if (IsMapped(bytes)) {
    munmap(memory, static_cast<size_t>(MappedSize(bytes)));
  } else {
    std::free(memory);
  }
}

Scratch::~Scratch() { FreeZeroed(memory_, bytes_); }

uint8_t* Scratch::Reserve(int64_t bytes) {
  if (bytes > bytes_) {
    // The old block goes first: its content is not kept, and both together may not fit.
    FreeZeroed(memory_, bytes_);
    memory_ = nullptr;
    bytes_ = 0;
    memory_ = static_cast<uint8_t*>(AllocateZeroed(bytes));
    bytes_ = bytes;
  }
  return memory_;
}

}  // namespace coreinfer

using coreinfer::Guard;
using coreinfer::RequirePointer;
using coreinfer::RequirePositive;

int32_t ci_memory_allocate(ci_context* context, int64_t bytes, ci_address* memory) {
  return Guard("ci_memory_allocate", [&] {
    RequirePointer("context", context);
    RequirePointer("memory", memory);
    RequirePositive("bytes", bytes);
    *memory = static_cast<ci_address>(reinterpret_cast<intptr_t>(coreinfer::AllocateZeroed(bytes)));
  });
}

int32_t ci_memory_free(ci_context* context, void* memory, int64_t bytes) {
  return Guard("ci_memory_free", [&] {
    RequirePointer("context", context);
    if (memory == nullptr) return;
    RequirePositive("bytes", bytes);
    coreinfer::FreeZeroed(memory, bytes);
  });
}

int32_t ci_memory_upload(ci_context* context, const void* host, int64_t bytes, void* memory) {
  return Guard("ci_memory_upload", [&] {
    RequirePointer("context", context);
    RequirePointer("host", host);
    RequirePositive("bytes", bytes);
    RequirePointer("memory", memory);
    std::memcpy(memory, host, static_cast<size_t>(bytes));
  });
}

int32_t ci_memory_download(ci_context* context, const void* memory, int64_t bytes, void* host) {
  return Guard("ci_memory_download", [&] {
    RequirePointer("context", context);
    RequirePointer("memory", memory);
    RequirePositive("bytes", bytes);
    RequirePointer("host", host);
    std::memcpy(host, memory, static_cast<size_t>(bytes));
  });
}
