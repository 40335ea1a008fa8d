// Aligned, zeroed blocks, and scratch that grows on demand and is kept between calls.
#ifndef COREINFER_CPP_MEMORY_H_
#define COREINFER_CPP_MEMORY_H_

#include <cstdint>

namespace coreinfer {

/// Zeroed memory, aligned to 64 bytes; throws a Failure that names the number of bytes.
void* AllocateZeroed(int64_t bytes);

/// Frees memory of AllocateZeroed; `bytes` is the size that was asked for.
void FreeZeroed(void* memory, int64_t bytes) noexcept;

class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// At least `bytes` of memory with unspecified content, valid until the next Reserve.
  uint8_t* Reserve(int64_t bytes);

 private:
  uint8_t* memory_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_MEMORY_H_
